using System.CommandLine;
using CsUnet.Data;
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

    private static readonly Dictionary<string, string> s_aliases = new() { ["learning_rate"] = "--lr", ["optimizer"] = "--optimiser",
        ["augmentation"] = "--augment" };

    private static readonly Dictionary<string, string> s_valueNames = new()
    {
        ["data"] = "DIR", ["classes"] = "NAME|FILE", ["model"] = "NAME", ["size"] = "N|HxW", ["encoder"] = "NAME", ["mlp"] = "NAME",
        ["optimizer"] = "NAME", ["schedule"] = "NAME", ["subset"] = "NAME,...", ["class_weights"] = "X,...|auto", ["depths"] = "N,N,N,N",
        ["heads"] = "N,N,N,N", ["augmentation"] = "NAME|FILE", ["precision"] = "NAME",
    };

    // Where the file's comment would read badly as help.
    private static readonly Dictionary<string, string> s_texts = new()
    {
        ["classes"] = "Which mask colours or values are which class: nasa-super, nasa-ebc, or a YAML file. Needed with --data.",
        ["steps"] = "Training steps. Default: 300.",
        ["epochs"] = "Passes over the training images, instead of --steps.",
        ["seed"] = "Seed of weights, data order, augmentation and DropPath. Default: 0.",
        ["encoder"] = "CNN encoder: resnet18, resnet34, resnet50, resnet101 or resnet152. Default: the preset's.",
        ["mlp"] = "MLP of the Swin blocks: resmlp (CS-UNet's) or mlp (Swin's). Default: resmlp.",
        ["optimizer"] = "Optimiser: adamw or sgd. Default: adamw.",
        ["schedule"] = "Learning rate after the warm-up: cosine, constant, step or plateau. Default: cosine.",
        ["weight_decay"] = "Weight decay of every parameter. Default: 0.05.",
        ["momentum"] = "Momentum of sgd. Default: 0.9.",
        ["cross_entropy_weight"] = "Weight of the cross-entropy in the loss. Default: 0.5.",
        ["dice_weight"] = "Weight of the soft Dice loss in the loss. Default: 0.5.",
        ["class_weights"] = "Weights of the classes in the cross-entropy, in their order; auto: from the pixel shares of the training "
            + "masks, rare classes more. Default: all 1.",
        ["minimum_learning_rate"] = "Learning rate at the end of cosine and plateau. Default: 0.",
        ["subset"] = "Training images to use: names, a file with one name a line, or super2, super3, ebc-one-shot. Default: all.",
        ["precision"] =
            "Arithmetic of the network: fp32, or on a CUDA device tf32 or bf16 (float32 parameters, no loss scaling). Default: fp32.",
        ["threads"] = "Threads; results do not depend on it. Default: one per processor.",
        ["augmentation"] = "Changes of the training crops: default, none, nasa, nasa-ebc, or a YAML file. Default: default.",
    };

    private readonly List<(string Key, Option<string?> Option)> _options = [];

    public TrainingArguments()
    {
        Dictionary<string, (string Value, string Meaning)> texts = new TrainingOptions().ToYaml()
            .Split('\n').Where(line => line.Length > 0 && line[0] != ' ').Select(ParseLine)
                .ToDictionary(line => line.Key, line => (line.Value, line.Meaning));
        foreach (string key in s_first.Concat(TrainingOptions.Keys.Except(s_first)))
        {
            string[] aliases = s_aliases.TryGetValue(key, out string? alias) ? [alias] : [];
            _options.Add((key, new Option<string?>(Name(key), aliases)
            {
                HelpName = s_valueNames.GetValueOrDefault(key, "N"),
                Description = s_texts.GetValueOrDefault(key) ?? HelpText(texts[key].Value, texts[key].Meaning),
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
            throw new UsageException("--steps and --epochs both say how long the run is; give one of them");
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
            throw new UsageException(failure.Message, failure);
        }
    }

    /// <summary>The keys in which two sets of options differ.</summary>
    public static IReadOnlyList<string> Differences(TrainingOptions a, TrainingOptions b)
    {
        Dictionary<string, string> left = Sections(a), right = Sections(b);
        return [.. TrainingOptions.Keys.Where(key => left[key] != right[key])];
    }

    private static TrainingOptions Set(TrainingOptions options, string key, string value)
    {
        try
        {
            return options.With(key, key == "subset" ? string.Join(',', Subsets.Resolve(value)) : value);
        }
        catch (RunException failure)
        {
            // The message speaks of the file's key; the user wrote an option.
            throw new UsageException(failure.Message.Replace($"option: {key}", Name(key), StringComparison.Ordinal), failure);
        }
        catch (DataException failure)
        {
            throw new UsageException($"{Name(key)}: {failure.Message}", failure);
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

    /// <summary>The text of each key: its line, and the indented ones below it.</summary>
    private static Dictionary<string, string> Sections(TrainingOptions options)
    {
        var sections = new Dictionary<string, string>();
        string key = "";
        foreach (string line in options.ToYaml().Split('\n').Where(line => line.Length > 0))
        {
            if (line[0] != ' ')
                key = line[..line.IndexOf(':')];
            sections[key] = sections.GetValueOrDefault(key) + line;
        }
        return sections;
    }

    /// <summary>A comment of the file as help: what an empty value means there is the default here.</summary>
    private static string HelpText(string value, string meaning)
    {
        meaning = char.ToUpperInvariant(meaning[0]) + meaning[1..];
        const string Empty = "; empty: ";
        return meaning.Contains(Empty)
            ? $"{meaning.Replace(Empty, ". Default: ")}."
            : $"{meaning}.{(value is "" or "[]" ? "" : $" Default: {value}.")}";
    }

    private static (string Key, string Value, string Meaning) ParseLine(string line)
    {
        int colon = line.IndexOf(':'), comment = line.IndexOf("  # ", StringComparison.Ordinal);
        return (line[..colon], line[(colon + 1)..comment].Trim(), line[(comment + 4)..]);
    }
}
