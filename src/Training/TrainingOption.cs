using CsUnet.Models.Networks;

namespace CsUnet.Training;

/// <summary>
/// One option of a run: its key, its meaning, and how its value is read and written. config.yaml, the command line and its help, the
/// differences of two runs and docs/options.md all read the table <see cref="TrainingOptionTable.All"/> of these.
/// </summary>
public abstract class TrainingOption
{
    private protected TrainingOption(string key, string meaning, OptionForm form, string valueName)
    {
        Key = key;
        Meaning = meaning;
        Form = form;
        ValueName = valueName;
    }

    /// <summary>The key in config.yaml: words joined by underscores.</summary>
    public string Key { get; }

    /// <summary>Other names on the command line, spelt as keys.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>What stands for the value in help: <c>N</c>.</summary>
    public string ValueName { get; init; }

    /// <summary>What the option says: a sentence without its full stop, with every value that has a meaning of its own.</summary>
    public string Meaning { get; }

    /// <summary>What no value means, such as <c>the preset's</c>; null where a value is needed.</summary>
    public string? WhenEmpty { get; init; }

    /// <summary>How the value stands in a file.</summary>
    public OptionForm Form { get; }

    /// <summary>
    /// Whether a network has this option: those about its architecture belong to some networks, all others to every run. A run that sets
    /// one which its network does not have is refused.
    /// </summary>
    /// <param name="model">One of <see cref="SegmentationModels.Names"/>.</param>
    /// <exception cref="ArgumentException">There is no such network.</exception>
    public bool IsOf(string model) => !NetworkSettings.Names.Contains(Key) || SegmentationModels.Named(model).Settings.Contains(Key);

    /// <summary>Whether the weights of a run depend on it from the first step on: a resumed run keeps it.</summary>
    public bool IsFixed { get; init; }

    /// <summary>The value that holds unless another is given, for people.</summary>
    public string Default =>
        DefaultName ?? (Write(new TrainingOptions()) is { Count: > 0 } texts ? string.Join(", ", texts) : WhenEmpty ?? "none");

    /// <summary>A name that stands for the default; null where the value itself is shown.</summary>
    internal string? DefaultName { get; init; }

    /// <summary>The options with this one set.</summary>
    /// <param name="options">The options before.</param>
    /// <param name="text">The value as it was given.</param>
    /// <exception cref="OptionException">It is no value of this option.</exception>
    public abstract TrainingOptions Read(TrainingOptions options, OptionText text);

    /// <summary>
    /// The value as texts that <see cref="Read"/> would take: one, none where it is not set, any number for a list; for a section, the
    /// lines of its mapping.
    /// </summary>
    public abstract IReadOnlyList<string> Write(TrainingOptions options);

    /// <summary>Whether two runs have the same value.</summary>
    public abstract bool AreEqual(TrainingOptions a, TrainingOptions b);

    /// <summary>A hash of the value: equal values have equal ones.</summary>
    public abstract int HashOf(TrainingOptions options);

    /// <summary>Checks a value that code has set by the rules for one that is read.</summary>
    /// <exception cref="OptionException">It is not allowed.</exception>
    public abstract void Check(TrainingOptions options);
}
