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
