using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>The values that an option can have, and how they are written as text.</summary>
internal abstract class OptionType<T>
{
    /// <summary>The placeholder for the value in help.</summary>
    public abstract string ValueName { get; }

    /// <summary>What a value must be, as a noun phrase for errors.</summary>
    public abstract string Expected { get; }

    /// <summary>How a file writes the value.</summary>
    public virtual OptionForm Form => OptionForm.Value;

    /// <summary>The allowed words; empty if the values are not words.</summary>
    public virtual IReadOnlyList<string> Words => [];

    /// <summary>Reads a value from text.</summary>
    /// <exception cref="OptionException">The text is not a value of this type.</exception>
    public abstract T Read(string key, OptionText text);

    /// <summary>Writes a value as texts.</summary>
    public abstract IReadOnlyList<string> Write(T value);

    /// <summary>The text of a value that is not allowed; null if it is allowed.</summary>
    public abstract string? Refused(T value);

    /// <summary>Whether two values are equal.</summary>
    public virtual bool AreEqual(T a, T b) => EqualityComparer<T>.Default.Equals(a, b);

    /// <summary>A hash code; equal values have equal hash codes.</summary>
    public virtual int HashOf(T value) => value is null ? 0 : EqualityComparer<T>.Default.GetHashCode(value);

    /// <summary>Creates the error for a text that is not a value of this type.</summary>
    public OptionException Error(string key, string text, string? place, string? remedy = null) =>
        new(key, $"is '{text}'", Expected, place, remedy ?? NearestName.Hint(text, Words));
}
