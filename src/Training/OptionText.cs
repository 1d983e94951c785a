using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>The value of an option as it was given: texts, or a mapping of a file.</summary>
public sealed class OptionText
{
    private OptionText(IReadOnlyList<string> texts, YamlSection? section, string? place)
    {
        Texts = texts;
        Section = section;
        Place = place;
    }

    /// <summary>The texts; none where the option is not set.</summary>
    public IReadOnlyList<string> Texts { get; }

    /// <summary>The mapping, where one was given.</summary>
    public YamlSection? Section { get; }

    /// <summary>File and line; null where the value comes from elsewhere.</summary>
    public string? Place { get; }

    /// <summary>A value given as one text; a list's entries are separated by commas, and an empty text is not set.</summary>
    /// <param name="option">The option.</param>
    /// <param name="text">The text.</param>
    public static OptionText Of(TrainingOption option, string text) => new(
        option.Form == OptionForm.List ? text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : text.Length == 0 ? [] : [text],
        null, null);

    /// <summary>The value of an option in a file.</summary>
    /// <param name="option">The option.</param>
    /// <param name="file">The file's mapping, which has the option's key.</param>
    /// <exception cref="OptionException">It has another form than the option's.</exception>
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
