using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>The value of an option as it was given: texts, or a mapping in a file.</summary>
public sealed class OptionText
{
    private OptionText(IReadOnlyList<string> texts, YamlSection? section, string? place)
    {
        Texts = texts;
        Section = section;
        Place = place;
    }

    /// <summary>The texts; empty if the option is not set.</summary>
    public IReadOnlyList<string> Texts { get; }

    /// <summary>The mapping, if one was given.</summary>
    public YamlSection? Section { get; }

    /// <summary>File and line; null if the value does not come from a file.</summary>
    public string? Place { get; }

    /// <summary>Creates a value from one text. Commas separate the entries of a list; an empty text means not set.</summary>
    /// <param name="option">The option.</param>
    /// <param name="text">The text.</param>
    public static OptionText Of(TrainingOption option, string text) => new(
        option.Form == OptionForm.List ? text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : text.Length == 0 ? [] : [text],
        null, null);

    /// <summary>Reads the value of an option from a file.</summary>
    /// <param name="option">The option.</param>
    /// <param name="file">The file's mapping, which contains the option's key.</param>
    /// <exception cref="OptionException">The value has another form than the option's.</exception>
    public static OptionText Of(TrainingOption option, YamlSection file)
    {
        string key = option.Key, place = file.PlaceOf(key);
        if (file.IsSection(key))
        {
            return option.Form == OptionForm.Section
                ? new OptionText([], file.Section(key), place)
                : throw new OptionException(key, "is a mapping", "a value or a list of values", place);
        }
        IReadOnlyList<string> texts;
        try
        {
            texts = file.Values(key);
        }
        catch (DataException failure)
        {
            throw OptionException.From(key, place, failure);
        }
        return option.Form == OptionForm.List || texts.Count <= 1
            ? new OptionText(texts, null, place)
            : throw new OptionException(key, "is a list", "one value", place);
    }
}
