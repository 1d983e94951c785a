namespace CsUnet.Training;

/// <summary>An option whose value is a <typeparamref name="T"/> of <see cref="TrainingOptions"/>.</summary>
internal sealed class TypedOption<T>(
    string key, OptionType<T> type, Func<TrainingOptions, T> get, Func<TrainingOptions, T, TrainingOptions> set, string meaning)
    : TrainingOption(key, meaning, type.Form, type.ValueName)
{
    public override TrainingOptions Read(TrainingOptions options, OptionText text) => set(options, type.Read(Key, text));

    public override IReadOnlyList<string> Write(TrainingOptions options) => type.Write(get(options));

    public override bool AreEqual(TrainingOptions a, TrainingOptions b) => type.AreEqual(get(a), get(b));

    public override int HashOf(TrainingOptions options) => type.HashOf(get(options));

    public override void Check(TrainingOptions options)
    {
        if (type.Refused(get(options)) is { } text)
            throw type.Error(Key, text, null);
    }
}
