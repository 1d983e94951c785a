namespace CsUnet.Training;

/// <summary>An optional text: one of a set of words, or any text.</summary>
internal sealed class OptionalString(string valueName, SingleType<string>? words = null) : OptionType<string?>
{
    public override string ValueName => valueName;

    public override string Expected => words?.Expected ?? "a text";

    public override IReadOnlyList<string> Words => words?.Words ?? [];

    public override string? Read(string key, OptionText text) =>
        text.Texts is [] ? null
        // A key without a value is not set. A quoted empty text comes from a variable of a script that is not set.
        : text.Texts is [""] ? throw Error(key, "", text.Place)
        : words is null ? text.Texts[0] : words.Read(key, text);

    public override IReadOnlyList<string> Write(string? value) => value is null ? [] : [value];

    public override string? Refused(string? value) => value is null ? null : words?.Refused(value);
}
