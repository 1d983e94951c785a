using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>The values that an option can have, and their texts.</summary>
internal abstract class OptionType<T>
{
    /// <summary>What stands for a value in help.</summary>
    public abstract string ValueName { get; }

    /// <summary>What a value is, in errors: a noun phrase.</summary>
    public abstract string Expected { get; }

    /// <summary>How it stands in a file.</summary>
    public virtual OptionForm Form => OptionForm.Value;

    /// <summary>The words that are values; none where it is no matter of words.</summary>
    public virtual IReadOnlyList<string> Words => [];

    /// <summary>The value of a text.</summary>
    /// <exception cref="OptionException">It is none.</exception>
    public abstract T Read(string key, OptionText text);

    /// <summary>The texts of a value.</summary>
    public abstract IReadOnlyList<string> Write(T value);

    /// <summary>The text of a value that is not allowed, or null.</summary>
    public abstract string? Refused(T value);

    /// <summary>Whether two values are equal.</summary>
    public virtual bool AreEqual(T a, T b) => EqualityComparer<T>.Default.Equals(a, b);

    /// <summary>A hash that equal values share.</summary>
    public virtual int HashOf(T value) => value is null ? 0 : EqualityComparer<T>.Default.GetHashCode(value);

    /// <summary>The error about a text that is no value.</summary>
    public OptionException Error(string key, string text, string? place) =>
        new(key, $"is '{text}'", Expected, place, NearestName.Hint(text, Words));
}
