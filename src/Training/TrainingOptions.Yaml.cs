using System.Text;
using CsUnet.Data;
using CsUnet.Tensors;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CsUnet.Training;

public sealed partial record TrainingOptions
{
    private const string AugmentationKey = "augmentation";

    /// <summary>The keys of config.yaml, in order.</summary>
    public static IReadOnlyList<string> Keys { get; } = [.. TrainingOptionField.All.Select(field => field.Key), AugmentationKey];

    /// <summary>The text of config.yaml: every option with its value and its meaning.</summary>
    public string ToYaml()
    {
        var text = new StringBuilder();
        foreach (TrainingOptionField field in TrainingOptionField.All)
        {
            IReadOnlyList<string> values = field.Values(this);
            string value = field.IsList ? $"[{string.Join(", ", values.Select(Quote))}]" : values.Count == 0 ? "" : Quote(values[0]);
            text.Append($"{field.Key}: {value}".TrimEnd()).Append($"  # {field.Meaning}\n");
        }
        text.Append($"{AugmentationKey}:  # of training crops: {string.Join(", ", AugmentationOptions.BuiltIn.Keys)}, a YAML file, or this\n");
        foreach (string line in Augmentation.ToYaml().Split('\n', StringSplitOptions.RemoveEmptyEntries))
            text.Append($"  {line}\n");
        return text.ToString();
    }

    /// <summary>Reads the text of a config.yaml; options that it does not name keep their defaults.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="source">Its name in messages.</param>
    /// <param name="defaults">The options to start from; null: the defaults.</param>
    /// <exception cref="RunException">It is no YAML, a key is not known, or a value is not allowed; the message names what, and the nearest key.</exception>
    public static TrainingOptions Parse(string yaml, string source = "configuration", TrainingOptions? defaults = null)
    {
        TrainingOptions options = defaults ?? new TrainingOptions();
        YamlStream stream;
        try
        {
            stream = YamlText.Load(yaml);
        }
        catch (YamlException failure)
        {
            throw new RunException($"{source}, line {failure.Start.Line}: not valid YAML ({failure.Message})", failure);
        }
        if (stream.Documents.Count == 0)
            return options;
        if (stream.Documents.Count > 1 || stream.Documents[0].RootNode is not YamlMappingNode root)
        {
            // A file of comments only is a scalar of no text.
            if (stream.Documents.Count == 1 && stream.Documents[0].RootNode is YamlScalarNode { Value: null or "" })
                return options;
            throw new RunException($"{source}: expected lines of 'key: value', with keys such as {string.Join(", ", Keys.Take(5))}");
        }
        foreach ((YamlNode keyNode, YamlNode valueNode) in root.Children)
        {
            string place = $"{source}, line {keyNode.Start.Line}", key = (keyNode as YamlScalarNode)?.Value ?? keyNode.ToString();
            if (key == AugmentationKey && valueNode is YamlMappingNode)
                options = options with { Augmentation = Refusing(() => AugmentationOptions.FromYaml(YamlSection.Parse(yaml, source).Section(key))) };
            else if (key == AugmentationKey)
                options = options.With(key, Values(valueNode, key, place) is [var name] ? name : "");
            else
                options = Field(key, place).Apply(options, Values(valueNode, key, place), place);
        }
        return options;
    }

    /// <summary>Reads a config.yaml.</summary>
    /// <param name="path">The file.</param>
    /// <param name="defaults">The options to start from; null: the defaults.</param>
    /// <exception cref="RunException">It cannot be read, or <see cref="Parse"/> refuses it.</exception>
    public static TrainingOptions Load(string path, TrainingOptions? defaults = null) =>
        Parse(RunFiles.ReadText(path, "give the path of a YAML file, such as the config.yaml of a run"), path, defaults);

    /// <summary>Writes config.yaml, in one piece or not at all.</summary>
    /// <exception cref="RunException">It cannot be written.</exception>
    public void Save(string path) => RunFiles.WriteText(path, ToYaml());

    /// <summary>These options with one changed, by its key in config.yaml. Lists are given as <c>1, 2, 3</c>.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value's text; empty: not set.</param>
    /// <exception cref="RunException">The key is not known, or the value not allowed.</exception>
    public TrainingOptions With(string key, string value)
    {
        if (key == AugmentationKey)
            return this with { Augmentation = Refusing(() => AugmentationOptions.Load(value)) };
        TrainingOptionField field = Field(key, "option");
        string[] values = field.IsList
            ? value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : value.Length == 0 ? [] : [value];
        return field.Apply(this, values, "option");
    }

    private static TrainingOptionField Field(string key, string source) =>
        TrainingOptionField.All.FirstOrDefault(field => field.Key == key)
        ?? throw new RunException($"{source}: '{key}' is not an option{NearestName.Hint(key, Keys)}; there are {string.Join(", ", Keys)}");

    private static AugmentationOptions Refusing(Func<AugmentationOptions> read)
    {
        try
        {
            return read();
        }
        catch (DataException failure)
        {
            throw new RunException($"{AugmentationKey}: {failure.Message}", failure);
        }
    }

    private static IReadOnlyList<string> Values(YamlNode node, string key, string source) => node switch
    {
        YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" } => [],
        YamlScalarNode scalar => [scalar.Value ?? ""],
        YamlSequenceNode sequence => [.. sequence.Children.Select(child => (child as YamlScalarNode)?.Value
            ?? throw new RunException($"{source}: {key} holds a nested value, expected plain values"))],
        _ => throw new RunException($"{source}: {key} is a mapping, expected a value or a list of values"),
    };

    // Numbers and simple words stand bare; all else is quoted, since YAML gives meaning to many characters and words.
    private static string Quote(string value) =>
        value.Length > 0 && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '/' or '+') && char.IsAsciiLetterOrDigit(value[0])
        && value.ToLowerInvariant() is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off")
            ? value
            : $"\"{value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\t", "\\t").Replace("\r", "\\r")}\"";
}
