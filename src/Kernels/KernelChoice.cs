using System.Globalization;

namespace CsUnet.Kernels;

/// <summary>A variant with values for its launch parameters; parameters without a value have their default.</summary>
/// <param name="Variant">The variant's name.</param>
/// <param name="Values">Values by name.</param>
public sealed record KernelChoice(string Variant, IReadOnlyDictionary<string, int> Values)
{
    /// <summary>A variant with its default parameters.</summary>
    public KernelChoice(string variant) : this(variant, new Dictionary<string, int>()) { }

    /// <summary>A parameter's value, or its default.</summary>
    public int Value(LaunchParameter parameter) => Values.GetValueOrDefault(parameter.Name, parameter.Usual);

    /// <summary>For example <c>registers slots=4</c>.</summary>
    public override string ToString() => string.Join(' ', [Variant, .. Values.OrderBy(value => value.Key, StringComparer.Ordinal).Select(
        value => string.Create(CultureInfo.InvariantCulture, $"{value.Key}={value.Value}"))]);
}
