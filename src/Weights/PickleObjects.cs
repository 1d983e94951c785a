using System.Text;

namespace CsUnet.Weights;

/// <summary>
/// The Python objects of weight files that have a meaning here. They are what trainers store beside tensors: dictionaries, numbers of
/// numpy, options of argparse and yacs. A name that is not here is refused when it is read, before anything could be made of it.
/// </summary>
/// <param name="size">Bytes of the pickle, which bound the memory.</param>
internal sealed class PickleObjects(long size)
{
    // What calls may copy altogether, in elements and characters. A pickle of a few bytes could double a text or a dictionary again and
    // again; a real one copies nothing twice.
    private long _copies = 1000 + 4 * size;

    // A tensor that repeats the elements of its storage (stride 0) may be larger than the file; up to this many elements.
    private const long LargestRepetition = 1 << 20;

    private const string Resave = "save the state dictionary alone: torch.save(model.state_dict(), path)";

    // Objects that have attributes or items, and nothing that this program needs to know of their class.
    private static readonly HashSet<string> s_dictionaries = new(StringComparer.Ordinal)
    {
        "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "argparse.Namespace", "yacs.config.CfgNode",
        "types.SimpleNamespace", "easydict.EasyDict", "addict.addict.Dict", "addict.Dict", "builtins.dict", "__builtin__.dict",
    };

    private static readonly HashSet<string> s_sequences = new(StringComparer.Ordinal)
    {
        "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset", "builtins.list", "__builtin__.list",
        "builtins.tuple", "__builtin__.tuple", "torch.Size", "collections.deque",
    };

    private static readonly HashSet<string> s_texts = new(StringComparer.Ordinal)
    {
        "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath", "pathlib.Path",
        "pathlib._local.PosixPath", "pathlib._local.WindowsPath",
    };

    private static readonly HashSet<string> s_functions = new(StringComparer.Ordinal)
    {
        "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state", "torch._tensor._rebuild_from_type_v2", "torch.nn.parameter.Parameter",
        "torch.nn.parameter.Buffer", "torch._tensor.Tensor", "torch.Tensor", "torch.device", "_codecs.encode",
        "builtins.bytearray", "__builtin__.bytearray",
        "numpy.dtype", "numpy.ndarray", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy.core.numeric._frombuffer",
        "numpy._core.numeric._frombuffer",
    };

    /// <summary>The value of a name: a type of elements, or a name that <see cref="Call"/> knows.</summary>
    /// <exception cref="PickleException">The name is not one of those; the message says it.</exception>
    public static object Global(string module, string name)
    {
        var global = new PickleGlobal(module, name);
        string full = global.ToString();
        if (module is "torch" or "torch.storage" && (ElementTypes.OfTorch(name) is not null || name == "UntypedStorage"))
            return global;
        if (s_dictionaries.Contains(full) || s_sequences.Contains(full) || s_texts.Contains(full) || s_functions.Contains(full))
            return global;
        throw new PickleException(Explain(full), Resave);
    }

    /// <summary>The data that a call of Python would make.</summary>
    /// <exception cref="PickleException">The arguments are not those of the function.</exception>
    public object? Call(object? function, PickleTuple arguments)
    {
        if (function is not PickleGlobal global)
            throw new PickleException("the pickle calls something that is no name");
        string name = global.ToString();
        if (s_dictionaries.Contains(name))
            return Dictionary(arguments);
        if (s_sequences.Contains(name))
            return arguments is [] ? new List<object?>() : Items(arguments[0]);
        if (s_texts.Contains(name))
            return Joined('/', arguments);
        return global.Name switch
        {
            "_rebuild_tensor" or "_rebuild_tensor_v2" => Tensor(arguments),
            "_rebuild_parameter" or "_rebuild_parameter_with_state" =>
                arguments.Count > 0 && arguments[0] is StoredTensor tensor ? tensor : throw Wrong(name),
            // (function, class, arguments, attributes): a tensor of a class of its own, or with attributes.
            "_rebuild_from_type_v2" => arguments is { Count: 4 } && arguments[2] is PickleTuple inner
                && arguments[0] is PickleGlobal { Name: "_rebuild_tensor_v2" or "_rebuild_parameter" }
                ? Call(arguments[0], inner)
                : throw Wrong(name),
            "device" => Joined(':', arguments),
            "encode" => arguments.Count > 0 && arguments[0] is string text ? Bytes(text) : throw Wrong(name),
            "bytearray" => arguments.Count == 0 ? Array.Empty<byte>() : arguments[0] as byte[] ?? throw Wrong(name),
            "dtype" or "scalar" or "_reconstruct" or "_frombuffer" or "ndarray" => NumpyObjects.Call(global.Name, arguments),
            _ => throw new PickleException($"the pickle calls {name}, which makes no data", Resave),
        };
    }

    /// <summary>Gives an object the state that was stored for it.</summary>
    public void SetState(object? target, object? state)
    {
        switch (target)
        {
            case PickleDictionary dictionary when state is PickleDictionary attributes:
                Copy(attributes, dictionary);
                break;
            // Attributes of an ordered dictionary (PyTorch's _metadata) may come with slots as a pair.
            case PickleDictionary dictionary when state is PickleTuple { Count: 2 } pair && pair[0] is PickleDictionary attributes:
                Copy(attributes, dictionary);
                break;
            case NumpyType type:
                type.SetState(state);
                break;
            case NumpyArray array:
                array.SetState(state);
                break;
            default:
                throw new PickleException("the pickle gives a state to something that has none");
        }
    }

    /// <summary>The storage that a persistent id names: ('storage', type, key, location, elements[, view]).</summary>
    public StorageReference Persistent(object? id)
    {
        if (id is not PickleTuple { Count: >= 5 } parts || parts[0] is not "storage" || parts[1] is not PickleGlobal type
            || parts[4] is not long count || count < 0)
            throw new PickleException("the pickle names a storage in an unknown way");
        string key = parts[2] switch { string text => text, long number => $"{number}", _ => throw Wrong("a storage's key") };
        string? dtype = type.Name == "UntypedStorage" ? null : ElementTypes.OfTorch(type.Name) ?? throw Wrong("a storage's type");
        // Before PyTorch 0.4 a storage could be a view of another: (key, offset, elements).
        if (parts.Count > 5 && parts[5] is PickleTuple { Count: 3 } view && view[1] is long offset && view[2] is long length)
            return offset >= 0 && length >= 0 && offset <= count - length
                ? new StorageReference(key, dtype, offset, length)
                : throw Wrong("a view of a storage");
        return new StorageReference(key, dtype, 0, count);
    }

    private StoredTensor Tensor(PickleTuple arguments)
    {
        if (arguments.Count < 4 || arguments[0] is not StorageReference storage || arguments[1] is not long offset || offset < 0)
            throw Wrong("_rebuild_tensor_v2");
        long[] sizes = Numbers(arguments[2]), strides = Numbers(arguments[3]);
        string dtype = storage.DType ?? throw new PickleException("a tensor has a storage without a type", Resave);
        if (sizes.Length != strides.Length || sizes.Length > 64)
            throw Wrong("as many sizes as strides");
        long last = offset, count = 1;
        try
        {
            for (int i = 0; i < sizes.Length; i++)
            {
                count = checked(count * sizes[i]);
                last = checked(last + (sizes[i] - 1) * strides[i]);
            }
        }
        catch (OverflowException)
        {
            throw new PickleException($"a tensor of size ({string.Join(',', sizes)}) is larger than any storage");
        }
        if (count > storage.Count && count > LargestRepetition)
            throw new PickleException($"a tensor of size ({string.Join(',', sizes)}) repeats a storage of {storage.Count} elements");
        if (count > 0 && last >= storage.Count)
            throw new PickleException($"a tensor reaches to element {last} of a storage of {storage.Count}");
        return new StoredTensor(storage, dtype, offset, sizes, strides);
    }

    private long[] Numbers(object? value) => value is PickleTuple or List<object?>
        ? [.. Items(value).Select(item => item is long number and >= 0 and <= int.MaxValue ? number : throw Wrong("sizes and strides"))]
        : throw Wrong("sizes and strides");

    private PickleDictionary Dictionary(PickleTuple arguments)
    {
        var dictionary = new PickleDictionary();
        foreach (object? argument in arguments.Items)
        {
            if (argument is PickleDictionary other)
                Copy(other, dictionary);
            else if (argument is List<object?> or PickleTuple)
                foreach (object? item in Items(argument))
                    dictionary.Items.Add(Items(item) is [var key, var value]
                        ? KeyValuePair.Create(key, value)
                        : throw Wrong("pairs of keys and values"));
            // The factory of a defaultdict, and the class's name in copyreg's form, are no data.
        }
        return dictionary;
    }

    private List<object?> Items(object? value)
    {
        if (value is List<object?> list)
            return list;
        if (value is not PickleTuple tuple)
            throw Wrong("a sequence");
        Spend(tuple.Count);
        return [.. tuple.Items];
    }

    private string Joined(char separator, PickleTuple parts)
    {
        string[] texts = [.. parts.Items.Select(part => part is string or long or null ? $"{part}" : throw Wrong("a text"))];
        Spend(texts.Sum(text => text.Length + 1L));
        return string.Join(separator, texts);
    }

    private byte[] Bytes(string text)
    {
        Spend(text.Length);
        return Encoding.Latin1.GetBytes(text);
    }

    private void Copy(PickleDictionary source, PickleDictionary target)
    {
        Spend(source.Items.Count);
        target.Items.AddRange([.. source.Items]);
    }

    private void Spend(long copies)
    {
        _copies -= copies;
        if (_copies < 0)
            throw new PickleException("the pickle copies more data than it holds");
    }

    private static PickleException Wrong(string what) => new($"the pickle is damaged: it does not hold {what} as PyTorch writes it");

    private static string Explain(string name) => name switch
    {
        "torch._utils._rebuild_sparse_tensor" or "torch.serialization._get_layout" =>
            $"it holds a sparse tensor ({name}), expected dense ones",
        "torch._utils._rebuild_qtensor" or "torch.QInt8Storage" or "torch.QUInt8Storage" or "torch.QInt32Storage" =>
            $"it holds a quantised tensor ({name}), expected float or whole numbers",
        "torch.ComplexFloatStorage" or "torch.ComplexDoubleStorage" => $"it holds complex numbers ({name}), expected real ones",
        _ => $"its pickle names {name}, which is not data; nothing was run",
    };
}
