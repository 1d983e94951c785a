using System.CommandLine;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>
/// The options of a run on the command line. They are the keys of config.yaml, made from its own text, so that file, help and program
/// cannot differ: <c>learning_rate</c> is <c>--learning-rate</c>. The command line wins over the file.
/// </summary>
internal sealed class TrainingArguments
{
    // The few that nearly everybody uses come first in the help.
    private static readonly string[] s_first = ["data", "classes", "model", "size", "batch", "steps", "epochs", "learning_rate", "seed"];

    private static readonly Dictionary<string, string> s_aliases = new() { ["learning_rate"] = "--lr", ["optimizer"] = "--optimiser" };

    private static readonly Dictionary<string, string> s_valueNames = new()
    {
        ["data"] = "DIR", ["classes"] = "NAME|FILE", ["model"] = "NAME", ["size"] = "N|HxW", ["encoder"] = "NAME", ["mlp"] = "NAME",
        ["optimizer"] = "NAME", ["schedule"] = "NAME", ["subset"] = "NAME,...", ["class_weights"] = "X,...|auto", ["depths"] = "N,N,N,N",
        ["heads"] = "N,N,N,N",
    };

    private readonly List<(string Key, Option<string?> Option)> _options = [];

    public TrainingArguments()
    {
        Dictionary<string, (string Value, string Meaning)> texts = new TrainingOptions().ToYaml()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ParseLine).ToDictionary(line => line.Key, line => (line.Value, line.Meaning));
        foreach (string key in s_first.Concat(TrainingOptions.Keys.Except(s_first)))
        {
            (string value, string meaning) = texts[key];
            string[] aliases = s_aliases.TryGetValue(key, out string? alias) ? [alias] : [];
            string shown = value is "" or "[]" ? "" : $" Default: {value}.";
            string extra = key == "class_weights" ? "; auto: from the pixel shares of the training masks, rare classes more" : "";
            _options.Add((key, new Option<string?>(Name(key), aliases)
            {
                HelpName = s_valueNames.GetValueOrDefault(key, "N"), Description = $"{char.ToUpperInvariant(meaning[0])}{meaning[1..]}{extra}.{shown}",
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
    /// <exception cref="UsageException">A key or value is not allowed.</exception>
    public static TrainingOptions Merge(string? configPath, IReadOnlyList<(string Key, string Value)> given)
    {
        try
        {
            TrainingOptions options = configPath is null ? new TrainingOptions() : TrainingOptions.Load(configPath);
            foreach ((string key, string value) in given)
                options = Set(options, key, value);
            // Steps given by hand mean steps, even if the file counts epochs; and the other way round.
            if (given.Any(entry => entry.Key == "steps") && given.All(entry => entry.Key != "epochs"))
                options = options with { Epochs = null };
            options.Validate();
            return options;
        }
        catch (Exception failure) when (failure is RunException or ArgumentException)
        {
            throw new UsageException(failure.Message, failure);
        }
    }

    private static TrainingOptions Set(TrainingOptions options, string key, string value)
    {
        try
        {
            return options.With(key, value);
        }
        catch (RunException failure)
        {
            // The message speaks of the file's key; the user wrote an option.
            throw new UsageException(failure.Message.Replace($"option: {key}", Name(key), StringComparison.Ordinal), failure);
        }
    }

    private static (string Key, string Value, string Meaning) ParseLine(string line)
    {
        int colon = line.IndexOf(':'), comment = line.IndexOf("  # ", StringComparison.Ordinal);
        return (line[..colon], line[(colon + 1)..comment].Trim(), line[(comment + 4)..]);
    }
}
