namespace CsUnet.Weights;

/// <summary>Finds the tensors in what a pickle holds, and names each by its path.</summary>
internal sealed class WeightTree
{
    // The keys under which trainers store the network's state, beside their own.
    private static readonly string[] s_states =
        ["state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "weights"];

    private const string ParallelPrefix = "module.";

    // Deeper than any state dictionary; a pickle that holds itself ends here.
    private const int LargestDepth = 64;

    private readonly List<KeyValuePair<string, StoredTensor>> _tensors = [];
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private long _visits;

    private WeightTree(long visits) => _visits = visits;

    /// <summary>The tensors by name, without the name of the dictionary that holds the state and without <c>module.</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, StoredTensor>> Tensors => _tensors;

    /// <summary>Numbers and texts beside the tensors, by path: the epoch, options of the training.</summary>
    public IReadOnlyDictionary<string, string> Values => _values;

    /// <summary>The path of the state within the file, for example <c>state_dict</c>; empty if it is the whole file.</summary>
    public string Root { get; private set; } = "";

    /// <summary>Reads what a pickle holds.</summary>
    /// <param name="root">The pickle's value.</param>
    /// <param name="bytes">The file's size, which bounds the work.</param>
    /// <exception cref="PickleException">There is no tensor, or the pickle holds itself.</exception>
    public static WeightTree Read(object? root, long bytes)
    {
        var tree = new WeightTree(1000 + bytes);
        object? state = root;
        for (int depth = 0; depth < LargestDepth && state is PickleDictionary dictionary && tree.Inner(dictionary) is { } key; depth++)
        {
            foreach ((object? name, object? value) in dictionary.Items)
                if (name is string text && text != key)
                    tree.AddValues(tree.Root.Length == 0 ? text : $"{tree.Root}.{text}", value, 0);
            tree.Root = tree.Root.Length == 0 ? key : $"{tree.Root}.{key}";
            state = dictionary.Find(key);
        }
        tree.AddTensors("", state, 0);
        if (tree._tensors.Count == 0)
            throw new PickleException("it holds no tensor", "choose the file that holds the network's weights");
        tree.RemoveParallelPrefix();
        return tree;
    }

    /// <summary>The key of the entry that holds the state, if this dictionary is a trainer's and no state itself.</summary>
    private string? Inner(PickleDictionary dictionary) =>
        s_states.FirstOrDefault(key => dictionary.Find(key) is PickleDictionary { Items.Count: > 0 } inner && Holds(inner, 0));

    private bool Holds(object? value, int depth)
    {
        Visit(depth);
        return value switch
        {
            StoredTensor => true,
            PickleDictionary dictionary => dictionary.Items.Any(item => Holds(item.Value, depth + 1)),
            List<object?> list => list.Any(item => Holds(item, depth + 1)),
            PickleTuple tuple => tuple.Items.Any(item => Holds(item, depth + 1)),
            _ => false,
        };
    }

    private void AddTensors(string name, object? value, int depth)
    {
        Visit(depth);
        switch (value)
        {
            case StoredTensor tensor:
                if (!_names.Add(name))
                    throw new PickleException($"it holds two tensors named '{name}'");
                _tensors.Add(KeyValuePair.Create(name, tensor));
                break;
            case PickleDictionary dictionary:
                foreach ((object? key, object? item) in Latest(dictionary))
                    if (key is string or long)
                        AddTensors(Join(name, $"{key}"), item, depth + 1);
                break;
            case List<object?> or PickleTuple:
                IReadOnlyList<object?> items = value as List<object?> ?? ((PickleTuple)value).Items;
                for (int i = 0; i < items.Count; i++)
                    AddTensors(Join(name, $"{i}"), items[i], depth + 1);
                break;
            default:
                AddValues(name, value, depth);
                break;
        }
    }

    private void AddValues(string name, object? value, int depth)
    {
        Visit(depth);
        if (value is PickleDictionary dictionary)
        {
            foreach ((object? key, object? item) in Latest(dictionary))
                if (key is string or long)
                    AddValues(Join(name, $"{key}"), item, depth + 1);
        }
        else if (value is StoredTensor tensor)
        {
            _values.TryAdd(name, $"tensor {tensor.DType} ({string.Join(',', tensor.Sizes)})");
        }
        else if (value is string or long or double or bool)
        {
            _values.TryAdd(name, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{value}"));
        }
    }

    /// <summary>The items of a dictionary; of a key that was stored twice, the last.</summary>
    private static IEnumerable<KeyValuePair<object?, object?>> Latest(PickleDictionary dictionary)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < dictionary.Items.Count; i++)
            if (dictionary.Items[i].Key is string or long)
                seen[$"{dictionary.Items[i].Key}"] = i;
        return dictionary.Items.Where((item, i) => item.Key is string or long && seen[$"{item.Key}"] == i);
    }

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    private void Visit(int depth)
    {
        if (depth > LargestDepth)
            throw new PickleException($"its dictionaries are nested deeper than {LargestDepth}, or hold themselves");
        if (--_visits < 0)
            throw new PickleException("its dictionaries name the same values more often than the file is long");
    }

    private void RemoveParallelPrefix()
    {
        if (!_tensors.All(tensor => tensor.Key.StartsWith(ParallelPrefix, StringComparison.Ordinal)))
            return;
        for (int i = 0; i < _tensors.Count; i++)
            _tensors[i] = KeyValuePair.Create(_tensors[i].Key[ParallelPrefix.Length..], _tensors[i].Value);
        Root = Root.Length == 0 ? "module" : $"{Root}.module";
    }
}
