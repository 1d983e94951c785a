using System.Globalization;

namespace CsUnet.Kernels;

/// <summary>
/// One way to compute an operator on a device: other kernels, or another rule of launching them. Every variant gives the operator's result;
/// they differ in time. The first of an operator's variants that takes a call is what it uses unless a choice says otherwise.
/// </summary>
/// <param name="Name">Named for what it does: <c>registers</c>, <c>any</c>, <c>reference</c>.</param>
/// <param name="Summary">What that is, in a few words.</param>
/// <param name="Parameters">What can be varied in launching it.</param>
public sealed record KernelVariant(string Name, string Summary, params IReadOnlyList<LaunchParameter> Parameters)
{
    /// <summary>Every combination of values of the parameters; one empty choice if there is no parameter.</summary>
    public IEnumerable<KernelChoice> Space()
    {
        IEnumerable<IReadOnlyDictionary<string, int>> combinations = [new Dictionary<string, int>()];
        foreach (LaunchParameter parameter in Parameters)
            combinations = [.. combinations.SelectMany(
                combination => parameter.Values.Select(value => new Dictionary<string, int>(combination) { [parameter.Name] = value }))];
        return combinations.Select(combination => new KernelChoice(Name, combination));
    }

    /// <summary>Whether a choice of this variant gives values to its parameters only, and only values that a search tries.</summary>
    public bool Searches(KernelChoice choice) =>
        choice.Values.All(value => Parameters.Any(parameter => parameter.Name == value.Key && parameter.Values.Contains(value.Value)));
}

/// <summary>A number in the launch of a variant that changes its time and not its result.</summary>
/// <param name="Name">Its name, such as <c>blocks_per_multiprocessor</c>.</param>
/// <param name="Values">The values that a search tries.</param>
public sealed record LaunchParameter(string Name, params IReadOnlyList<int> Values);

/// <summary>A variant with values for its parameters; parameters that it leaves out have their usual value.</summary>
/// <param name="Variant">The variant's name.</param>
/// <param name="Values">Values by name.</param>
public sealed record KernelChoice(string Variant, IReadOnlyDictionary<string, int> Values)
{
    /// <summary>A variant as it is usually launched.</summary>
    public KernelChoice(string variant) : this(variant, new Dictionary<string, int>()) { }

    /// <summary>A parameter's value, or the usual one.</summary>
    public int Value(string name, int usual) => Values.GetValueOrDefault(name, usual);

    /// <summary>For example <c>registers slots=4</c>.</summary>
    public override string ToString() => string.Join(' ', [Variant, .. Values.OrderBy(value => value.Key, StringComparer.Ordinal).Select(
        value => string.Create(CultureInfo.InvariantCulture, $"{value.Key}={value.Value}"))]);
}

/// <summary>A call whose variant was chosen by name does not fit that variant: another would have to run under its name.</summary>
/// <param name="op">The operator.</param>
/// <param name="variant">The variant.</param>
/// <param name="takes">What it takes.</param>
public sealed class VariantNotTakenException(string op, string variant, string takes)
    : NotSupportedException($"{op}: the variant {variant} takes {takes}; choose another for these inputs");
