namespace CsUnet.Training;

/// <summary>A list of values, possibly empty.</summary>
internal sealed class ListType<T>(string valueName, SingleType<T> type) : OptionType<IReadOnlyList<T>> where T : notnull
{
    public override string ValueName => valueName;

    public override string Expected => type.Expected;

    public override IReadOnlyList<string> Words => type.Words;

    public override OptionForm Form => OptionForm.List;

    public override IReadOnlyList<T> Read(string key, OptionText text) =>
        text.Texts is [""] ? [] : [.. text.Texts.Select(entry => type.Read(key, entry, text.Place))];

    public override IReadOnlyList<string> Write(IReadOnlyList<T> value) => [.. value.SelectMany(type.Write)];

    public override string? Refused(IReadOnlyList<T> value) => value.Select(type.Refused).FirstOrDefault(refused => refused is not null);

    public override bool AreEqual(IReadOnlyList<T> a, IReadOnlyList<T> b) => a.SequenceEqual(b);

    public override int HashOf(IReadOnlyList<T> value)
    {
        var hash = new HashCode();
        foreach (T entry in value)
            hash.Add(entry);
        return hash.ToHashCode();
    }
}
