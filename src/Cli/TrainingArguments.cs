using System.CommandLine;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>
/// The options of a run on the command line, made from the table that config.yaml is read by: <c>learning_rate</c> is
/// <c>--learning-rate</c>. The command line wins over the file.
/// </summary>
internal sealed class TrainingArguments
{
    // The few that nearly everybody uses come first in the help.
    private static readonly string[] s_first = ["data", "classes", "model", "size", "batch", "steps", "epochs", "learning_rate", "seed"];

    // What the command line takes and the file does not: the program turns it into what the file holds.
    private static readonly Dictionary<string, (string ValueName, string Meaning)> s_more = new()
    {
        ["subset"] = ("NAME,...", $"a file of one name a line, or {ProblemText.OneOf([.. Subsets.BuiltIn.Keys])}"),
        ["class_weights"] = ("X,...|auto", "auto: from the pixel shares of the training masks, rare classes more"),
    };

    private readonly List<(string Key, Option<string?> Option)> _options = [];

    public TrainingArguments()
    {
        foreach (string key in s_first.Concat(TrainingOptions.Keys.Except(s_first)))
        {
            TrainingOption option = TrainingOptionTable.Find(key);
            (string valueName, string meaning) = s_more.TryGetValue(key, out (string ValueName, string Meaning) more)
                ? (more.ValueName, $"{option.Meaning}; {more.Meaning}")
                : (option.ValueName, option.Meaning);
            _options.Add((key, new Option<string?>(Name(key), [.. option.Aliases.Select(Name)])
            {
                HelpName = valueName, Description = $"{meaning}. Default: {option.Default}.",
            }));
        }
    }

    /// <summary>The option of a key: <c>--learning-rate</c> of learning_rate.</summary>
    public static string Name(string key) => $"--{key.Replace('_', '-')}";

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach ((_, Option<string?> option) in _options)
            command.Add(option);
    }

    /// <summary>What was given on the command line, by key.</summary>
    public IReadOnlyList<(string Key, string Value)> Given(ParseResult result) => [.. _options
        .Where(entry => result.GetResult(entry.Option) is { Implicit: false })
        .Select(entry => (entry.Key, result.GetValue(entry.Option) ?? ""))];

    /// <summary>The options of the file, if there is one, changed by those of the command line.</summary>
    /// <param name="configPath">A YAML file, or null.</param>
    /// <param name="given">What <see cref="Given"/> returned.</param>
    /// <param name="start">The options to start from; null: the defaults.</param>
    /// <exception cref="UsageException">A key or value is not allowed.</exception>
    public static TrainingOptions Merge(string? configPath, IReadOnlyList<(string Key, string Value)> given, TrainingOptions? start = null)
    {
        bool hasSteps = given.Any(entry => entry.Key == "steps"), hasEpochs = given.Any(entry => entry.Key == "epochs");
        if (hasSteps && hasEpochs)
            throw new UsageException("--steps and --epochs both say how long the run is", remedy: "give one of them");
        try
        {
            TrainingOptions options = configPath is null ? start ?? new TrainingOptions() : TrainingOptions.Load(configPath, start);
            // Steps given by hand mean steps, even if the file counts epochs.
            if (hasSteps)
                options = options with { Epochs = null };
            foreach ((string key, string value) in given)
                options = Set(options, key, value);
            options.Validate();
            return WithFullPaths(options);
        }
        catch (Exception failure) when (failure is RunException or ArgumentException)
        {
            throw UsageException.From(failure);
        }
    }

    private static TrainingOptions Set(TrainingOptions options, string key, string value)
    {
        try
        {
            return options.With(key, key == "subset" ? string.Join(',', Subsets.Resolve(value)) : value);
        }
        catch (DataException failure)
        {
            throw UsageException.From(failure, Name(key));
        }
    }

    /// <summary>A run remembers where its data is, wherever it is evaluated from.</summary>
    private static TrainingOptions WithFullPaths(TrainingOptions options) => options with
    {
        Data = options.Data is { } data ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(data)) : null,
        Classes = options.Classes is { } classes && File.Exists(classes) && ClassMap.BuiltIn.All(map => map.Name != classes)
            ? Path.GetFullPath(classes)
            : options.Classes,
    };
}
