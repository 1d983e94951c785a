namespace CsUnet.Training;

/// <summary>An optional value: no text or an empty text means null.</summary>
internal sealed class OptionalType<T>(SingleType<T> type) : OptionType<T?> where T : struct
{
    public override string ValueName => type.ValueName;

    public override string Expected => type.Expected;

    public override IReadOnlyList<string> Words => type.Words;

    public override T? Read(string key, OptionText text) => text.Texts is [] or [""] ? null : type.Read(key, text);

    public override IReadOnlyList<string> Write(T? value) => value is { } set ? type.Write(set) : [];

    public override string? Refused(T? value) => value is { } set ? type.Refused(set) : null;
}
