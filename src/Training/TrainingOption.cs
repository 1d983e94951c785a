using CsUnet.Models.Networks;

namespace CsUnet.Training;

/// <summary>
/// One option of a run: its key, its meaning, and how its value is read and written. config.yaml, the command line and its help, the
/// comparison of two runs and docs/options.md all use the table <see cref="TrainingOptionTable.All"/>.
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

    /// <summary>Other names on the command line, written like keys.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>The placeholder for the value in help: <c>N</c>.</summary>
    public string ValueName { get; init; }

    /// <summary>The description of the option: a sentence without its full stop that explains every special value.</summary>
    public string Meaning { get; }

    /// <summary>The meaning of an unset value, such as <c>the preset's</c>; null if a value is required.</summary>
    public string? WhenEmpty { get; init; }

    /// <summary>How a file writes the value.</summary>
    public OptionForm Form { get; }

    /// <summary>
    /// Whether a network has this option. Architecture options belong to some networks, all others to every run. A run that sets an option
    /// which its network does not have is refused.
    /// </summary>
    /// <param name="model">One of <see cref="SegmentationModels.Names"/>.</param>
    /// <exception cref="ArgumentException">No network has this name.</exception>
    public bool IsOf(string model) => !NetworkSettings.Names.Contains(Key) || SegmentationModels.Named(model).Settings.Contains(Key);

    /// <summary>Whether the weights depend on the option from the first step on; a resumed run cannot change it.</summary>
    public bool IsFixed { get; init; }

    /// <summary>The default value, as shown to people.</summary>
    public string Default =>
        DefaultName ?? (Write(new TrainingOptions()) is { Count: > 0 } texts ? string.Join(", ", texts) : WhenEmpty ?? "none");

    /// <summary>A name for the default value; null if the value itself is shown.</summary>
    internal string? DefaultName { get; init; }

    /// <summary>Returns the options with this one set.</summary>
    /// <param name="options">The options before.</param>
    /// <param name="text">The value as given.</param>
    /// <exception cref="OptionException">The text is not a value of this option.</exception>
    public abstract TrainingOptions Read(TrainingOptions options, OptionText text);

    /// <summary>
    /// The value as texts that <see cref="Read"/> accepts: usually one, none if it is not set, any number for a list. For a section: the
    /// lines of its mapping.
    /// </summary>
    public abstract IReadOnlyList<string> Write(TrainingOptions options);

    /// <summary>Whether two runs have the same value.</summary>
    public abstract bool AreEqual(TrainingOptions a, TrainingOptions b);

    /// <summary>A hash code of the value; equal values have equal hash codes.</summary>
    public abstract int HashOf(TrainingOptions options);

    /// <summary>Checks a value set by code against the rules for a value read from text.</summary>
    /// <exception cref="OptionException">The value is not allowed.</exception>
    public abstract void Check(TrainingOptions options);
}
