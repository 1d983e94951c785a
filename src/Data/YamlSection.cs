using System.Globalization;
using CsUnet.Tensors;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CsUnet.Data;

/// <summary>
/// A mapping of a YAML file, read strictly: every key must be known, and every error names file, line, key, expectation. Read by hand
/// rather than by a serialiser, which would not give such messages.
/// </summary>
public sealed class YamlSection
{
    private readonly YamlMappingNode _node;
    private readonly string _name;

    private YamlSection(YamlMappingNode node, string path, string name)
    {
        _node = node;
        Path = path;
        _name = name;
    }

    /// <summary>The file, or what stands for it in messages.</summary>
    public string Path { get; }

    /// <summary>The keys, in the file's order.</summary>
    public IEnumerable<string> Keys => _node.Children.Keys.Select(key => key is YamlScalarNode { Value: { } text } ? text : key.ToString());

    /// <summary>Parses a text whose root is a mapping.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="path">The file that messages name.</param>
    /// <param name="mayBeEmpty">Whether a text without any value, of comments only, is a mapping without keys.</param>
    /// <exception cref="DataException">It is no YAML, repeats a key, or has another root.</exception>
    public static YamlSection Parse(string text, string path, bool mayBeEmpty = false) =>
        Read(() => text, path, mayBeEmpty);

    /// <summary>Reads and parses a file, of at most <see cref="YamlText.LargestFile"/> bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mayBeEmpty">As for <see cref="Parse"/>.</param>
    /// <exception cref="DataException">As <see cref="Parse"/>, or the file cannot be read.</exception>
    public static YamlSection Load(string path, bool mayBeEmpty = false) =>
        Read(() => ReadFile.Text(path, YamlText.LargestFile), path, mayBeEmpty);

    private static YamlSection Read(Func<string> text, string path, bool mayBeEmpty) => ReadFile.Parse(path, "not valid YAML", () =>
    {
        YamlNode? root = YamlText.Load(text());
        // A text of comments only is no document, or one of an empty scalar.
        if (root is null or YamlScalarNode { Value: null or "" })
            root = mayBeEmpty ? new YamlMappingNode() : throw new FileTextException("the file is empty", "one YAML mapping");
        return root is YamlMappingNode mapping
            ? new YamlSection(mapping, path, "")
            : throw new FileTextException($"the root is a {Kind(root)}", "a mapping of keys to values");
    }, problem => new DataException(problem.Place, problem.Problem, problem.Expected ?? "a YAML file", problem.Remedy, problem.Cause));

    /// <summary>Fails unless every key is one of <paramref name="known"/>.</summary>
    /// <exception cref="DataException">A key is unknown.</exception>
    public void Allow(params ReadOnlySpan<string> known)
    {
        foreach ((YamlNode key, _) in _node.Children)
            if (key is not YamlScalarNode { Value: { } text } || !known.Contains(text))
                throw new DataException(At(key), $"unknown key '{key}'{In}", $"one of {string.Join(", ", known!)}");
    }

    /// <summary>Whether the key is there.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>A text, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="DataException">It is missing without fallback, or no single value.</exception>
    public string Text(string key, string? fallback = null) => Find(key) switch
    {
        YamlScalarNode scalar => scalar.Value ?? "",
        null => fallback ?? throw Missing(key, "a text"),
        { } other => throw Wrong(other, key, "a text"),
    };

    /// <summary>A finite number between two bounds, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="DataException">It is missing without fallback, no number, or out of bounds.</exception>
    public double Number(string key, double least, double most, double? fallback = null) => Find(key) switch
    {
        null => fallback ?? throw Missing(key, "a number"),
        { } node => ToNumber(node, key, least, most),
    };

    /// <summary>A whole number between two bounds, or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="DataException">It is missing without fallback, no whole number, or out of bounds.</exception>
    public int Integer(string key, int least, int most, int? fallback = null)
    {
        if (Find(key) is not { } node)
            return fallback ?? throw Missing(key, "a whole number");
        double value = ToNumber(node, key, least, most);
        return value == Math.Floor(value) ? (int)value : throw Wrong(node, key, "a whole number");
    }

    /// <summary>Two numbers, [low, high], or <paramref name="fallback"/> where the key is missing.</summary>
    /// <exception cref="DataException">They are missing without fallback, not two, out of bounds, or descending.</exception>
    public (double Low, double High) Range(string key, double least, double most, (double, double)? fallback = null)
    {
        if (Find(key) is not { } node)
            return fallback ?? throw Missing(key, "[low, high]");
        if (node is not YamlSequenceNode { Children: [var first, var second] })
            throw Wrong(node, key, "[low, high]");
        double low = ToNumber(first, key, least, most), high = ToNumber(second, key, least, most);
        return low <= high ? (low, high) : throw Wrong(node, key, "[low, high] with low <= high");
    }

    /// <summary>A mapping inside this one.</summary>
    /// <exception cref="DataException">It is missing or no mapping.</exception>
    public YamlSection Section(string key) => Find(key) switch
    {
        YamlMappingNode mapping => new YamlSection(mapping, Path, key),
        null => throw Missing(key, "a mapping"),
        { } other => throw Wrong(other, key, "a mapping"),
    };

    /// <summary>A list of mappings; empty where the key is missing.</summary>
    /// <exception cref="DataException">It is no list, or an entry is no mapping.</exception>
    public IReadOnlyList<YamlSection> Sections(string key) => [.. List(key).Select((node, i) => node is YamlMappingNode mapping
        ? new YamlSection(mapping, Path, $"{key}[{i}]")
        : throw Wrong(node, $"{key}[{i}]", "a mapping"))];

    /// <summary>A list of single values, as texts; empty where the key is missing.</summary>
    /// <exception cref="DataException">It is no list, or an entry is no single value.</exception>
    public IReadOnlyList<string> Texts(string key) => [.. List(key).Select((node, i) =>
        node is YamlScalarNode { Value: { } text } ? text : throw Wrong(node, $"{key}[{i}]", "a single value"))];

    /// <summary>Whether the key's value is a mapping.</summary>
    public bool IsSection(string key) => Find(key) is YamlMappingNode;

    /// <summary>The texts of a single value or of a list of them; none where the key is missing or its value empty.</summary>
    /// <exception cref="DataException">It is a mapping, or an entry of the list is no single value.</exception>
    public IReadOnlyList<string> Values(string key) => Find(key) switch
    {
        null or YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" } => [],
        YamlScalarNode scalar => [scalar.Value ?? ""],
        YamlMappingNode mapping => throw Wrong(mapping, key, "a value or a list of values"),
        _ => Texts(key),
    };

    /// <summary>The file and line of a key, for messages; those of the mapping where the key is missing.</summary>
    public string PlaceOf(string key) => At(
        _node.Children.Keys.FirstOrDefault(node => node is YamlScalarNode { Value: { } text } && text == key) ?? _node);

    /// <summary>An error about a key of this mapping.</summary>
    public DataException Error(string key, string found, string expected, string? remedy = null) =>
        new(Find(key) is { } node ? At(node) : At(_node), $"{key}{In}: {found}", expected, remedy);

    internal YamlNode? Find(string key) => _node.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? node) ? node : null;

    internal IReadOnlyList<YamlNode> List(string key) => Find(key) switch
    {
        null => [],
        YamlSequenceNode sequence => [.. sequence.Children],
        { } other => throw Wrong(other, key, "a list"),
    };

    internal double ToNumber(YamlNode node, string key, double least, double most)
    {
        string range = double.IsInfinity(most) ? $"a number from {F(least)}" : $"a number from {F(least)} to {F(most)}";
        bool number = double.TryParse((node as YamlScalarNode)?.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value);
        return number && double.IsFinite(value) && value >= least && value <= most ? value : throw Wrong(node, key, range);
    }

    internal DataException Wrong(YamlNode node, string key, string expected) => new(At(node), $"{key}{In} is {Describe(node)}", expected);

    internal static string F(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private DataException Missing(string key, string expected) => new(At(_node), $"the key '{key}'{In} is missing", expected);

    private string In => _name.Length == 0 ? "" : $" in {_name}";

    private string At(YamlNode node) => $"{Path}, line {node.Start.Line}";

    private static string Kind(YamlNode node) => node switch
    {
        YamlSequenceNode => "list",
        YamlMappingNode => "mapping",
        _ => "single value",
    };

    private static string Describe(YamlNode node) => node is YamlScalarNode scalar ? $"'{scalar.Value}'" : $"a {Kind(node)}";
}
