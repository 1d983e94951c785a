using System.CommandLine;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>
/// The options of a run on the command line, created from the same table that config.yaml uses: <c>learning_rate</c> becomes
/// <c>--learning-rate</c>. The command line overrides the file.
/// </summary>
internal sealed class TrainingArguments
{
    // The most common options come first in the help.
    private static readonly string[] s_first = ["data", "classes", "model", "size", "batch", "steps", "epochs", "learning_rate", "seed"];

    // Values that only the command line accepts; the program converts them to values of the file.
    private static readonly Dictionary<string, (string ValueName, string Meaning)> s_more = new()
    {
        ["subset"] = ("NAME,...", $"a file with one name per line, or {ProblemText.OneOf([.. Subsets.BuiltIn.Keys])}"),
        ["class_weights"] = ("X,...|auto", "auto: computed from the pixel shares of the training masks; rare classes weigh more"),
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

    /// <summary>The option of a key: <c>--learning-rate</c> for learning_rate.</summary>
    public static string Name(string key) => $"--{key.Replace('_', '-')}";

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach ((_, Option<string?> option) in _options)
            command.Add(option);
    }

    /// <summary>The options given on the command line, by key.</summary>
    public IReadOnlyList<(string Key, string Value)> Given(ParseResult result) => [.. _options
        .Where(entry => result.GetResult(entry.Option) is { Implicit: false })
        .Select(entry => (entry.Key, result.GetValue(entry.Option) ?? ""))];

    /// <summary>Combines the options of the file, if there is one, with those of the command line, which override them.</summary>
    /// <param name="configPath">A YAML file, or null.</param>
    /// <param name="given">The result of <see cref="Given"/>.</param>
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
            // Steps on the command line override epochs in the file.
            if (hasSteps)
                options = options with { Epochs = null };
            foreach ((string key, string value) in given)
                options = Set(options, key, value);
            options.Validate();
            return WithFullPaths(options);
        }
        catch (Exception failure) when (failure is RunException or InvalidValueException)
        {
            throw UsageException.From(failure);
        }
    }

    /// <summary>The full path of a data folder; null and the name of the synthetic micrographs stay.</summary>
    public static string? FullPath(string? data) =>
        data is null or RunData.SyntheticName ? data : Path.TrimEndingDirectorySeparator(Path.GetFullPath(data));

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

    /// <summary>Stores full paths, so that the run finds its data from any working directory.</summary>
    private static TrainingOptions WithFullPaths(TrainingOptions options) => options with
    {
        Data = FullPath(options.Data),
        Classes = options.Classes is { } classes && File.Exists(classes) && ClassMap.BuiltIn.All(map => map.Name != classes)
            ? Path.GetFullPath(classes)
            : options.Classes,
        CnnWeights = options.CnnWeights is { } weights && !weights.Contains('\0') ? Path.GetFullPath(weights) : options.CnnWeights,
    };
}
