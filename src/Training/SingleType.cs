using System.Diagnostics.CodeAnalysis;

namespace CsUnet.Training;

/// <summary>Values that are written as one text.</summary>
internal sealed class SingleType<T>(
    string valueName, string expected, SingleType<T>.Parser parse, Func<T, string> format, Func<T, bool> isAllowed,
    IReadOnlyList<string>? words = null, Func<T, T>? nearest = null)
    : OptionType<T> where T : notnull
{
    /// <summary>Parses a text; does not check whether the value is allowed.</summary>
    public delegate bool Parser(string text, [MaybeNullWhen(false)] out T value);

    public override string ValueName => valueName;

    public override string Expected => expected;

    public override IReadOnlyList<string> Words => words ?? [];

    public override T Read(string key, OptionText text) => Read(key, text.Texts.Count == 0 ? "" : text.Texts[0], text.Place);

    public T Read(string key, string text, string? place)
    {
        if (!parse(text, out T? value))
            throw Error(key, text, place);
        if (!isAllowed(value))
            throw Error(key, text, place, nearest is null ? null : $"the nearest is {format(nearest(value))}");
        return value;
    }

    public override IReadOnlyList<string> Write(T value) => [format(value)];

    public override string? Refused(T value) => isAllowed(value) ? null : format(value);
}
