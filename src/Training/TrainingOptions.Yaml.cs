using System.Text;
using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

public sealed partial record TrainingOptions
{
    /// <summary>The keys of config.yaml, in order.</summary>
    public static IReadOnlyList<string> Keys { get; } = [.. TrainingOptionTable.All.Select(option => option.Key)];

    /// <summary>The text of config.yaml: every option of the network, with its value and its meaning.</summary>
    public string ToYaml() => ToYaml([], withMeaning: true);

    /// <summary>The text of a part of the options.</summary>
    /// <param name="without">The keys to leave out.</param>
    /// <param name="withMeaning">Whether each option's meaning follows its value.</param>
    internal string ToYaml(IReadOnlyCollection<string> without, bool withMeaning)
    {
        var text = new StringBuilder();
        foreach (TrainingOption option in TrainingOptionTable.All.Where(option =>
            !without.Contains(option.Key) && (option.IsOf(Model) || option.Write(this).Count > 0)))
        {
            IReadOnlyList<string> values = option.Write(this);
            string value = option.Form switch
            {
                OptionForm.List => $" [{string.Join(", ", values.Select(YamlText.Scalar))}]",
                OptionForm.Value when values.Count > 0 => $" {YamlText.Scalar(values[0])}",
                _ => "",
            };
            string meaning = $"  # {option.Meaning}{(option.WhenEmpty is { } empty ? $". Empty: {empty}" : "")}";
            text.Append($"{option.Key}:{value}{(withMeaning ? meaning : "")}\n");
            if (option.Form == OptionForm.Section)
            {
                foreach (string line in values)
                    text.Append($"  {line}\n");
            }
        }
        return text.ToString();
    }

    /// <summary>Reads the text of a config.yaml; options that it does not mention keep their defaults.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="source">The name of the text in messages.</param>
    /// <param name="defaults">The options to start from; null: the defaults.</param>
    /// <exception cref="RunException">The text is not a YAML mapping.</exception>
    /// <exception cref="OptionException">A key is unknown or a value is not allowed; the message names it, and the nearest key.</exception>
    public static TrainingOptions Parse(string yaml, string source = "configuration", TrainingOptions? defaults = null)
 =>
        Read(source, () => YamlSection.Parse(yaml, source, mayBeEmpty: true), defaults);

    private static TrainingOptions Read(
        string source, Func<YamlSection> read, TrainingOptions? defaults, string? remedy = null) => RunFiles.Read(
        source, "not a configuration of a run", remedy, () =>
    {
        YamlSection file = read();
        TrainingOptions options = defaults ?? new TrainingOptions();
        foreach (string key in file.Keys)
        {
            TrainingOption option = TrainingOptionTable.Find(key, file.PlaceOf(key));
            options = option.Read(options, OptionText.Of(option, file));
        }
        return options;
    });

    /// <summary>Reads a config.yaml.</summary>
    /// <param name="path">The file.</param>
    /// <param name="defaults">The options to start from; null: the defaults.</param>
    /// <exception cref="RunException">The file cannot be read, or <see cref="Parse"/> refuses it.</exception>
    public static TrainingOptions Load(string path, TrainingOptions? defaults = null)
    {
        // Nobody meant to leave out what the configuration of a run has lost.
        if (File.Exists(path))
            RunConfiguration.ReadMarks(RunConfiguration.ReadText(path), path);
        return Read(path, () => YamlSection.Load(path, mayBeEmpty: true), defaults,
            File.Exists(path) ? null : "give the path of a YAML file, such as the config.yaml of a run");
    }

    /// <summary>Writes config.yaml, completely or not at all, after reading its text back.</summary>
    /// <exception cref="RunException">The file cannot be written, or its text would not read back as these options.</exception>
    public void Save(string path) => RunFiles.WriteText(path, ReadableYaml(path));

    /// <summary>The text of config.yaml, after reading it back.</summary>
    /// <exception cref="RunException">The text would not read back as these options.</exception>
    internal string ReadableYaml(string path)
    {
        string text = ToYaml();
        IReadOnlyList<string> differences = TrainingOptionTable.Differences(this, Parse(text, path));
        if (differences.Count > 0)
        {
            throw new RunException($"{ProblemText.OneOf(differences)} would not read back from it", "texts that a file can hold", path,
                "give the option another value; a text must not hold half a character");
        }
        return text;
    }

    /// <summary>Returns these options with one changed, by its key in config.yaml. Lists are written as <c>1, 2, 3</c>.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The text of the value; empty: not set.</param>
    /// <exception cref="OptionException">The key is unknown, or the value is not allowed.</exception>
    public TrainingOptions With(string key, string value)
    {
        TrainingOption option = TrainingOptionTable.Find(key);
        return option.Read(this, OptionText.Of(option, value));
    }
}
