namespace CsUnet.Kernels;

/// <summary>
/// One way to compute an operator on a device: with its own kernels, or its own launch rule. All variants give the operator's result; they
/// differ in speed. An operator uses its first variant that supports the call, unless a choice names another.
/// </summary>
/// <param name="Name">Named for what it does: <c>registers</c>, <c>any</c>, <c>reference</c>.</param>
/// <param name="Summary">A short description of what it does.</param>
/// <param name="Parameters">Its launch parameters.</param>
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

    /// <summary>Whether a choice sets only parameters of this variant, and only to values that a search tries.</summary>
    public bool Searches(KernelChoice choice) =>
        choice.Values.All(value => Parameters.Any(parameter => parameter.Name == value.Key && parameter.Values.Contains(value.Value)));
}
