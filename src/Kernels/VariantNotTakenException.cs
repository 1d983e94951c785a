using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>A call does not fit the variant that was chosen for it by name. No other variant runs in its place.</summary>
/// <param name="op">The operator.</param>
/// <param name="variant">The variant.</param>
/// <param name="takes">What it supports.</param>
public sealed class VariantNotTakenException(string op, string variant, string takes)
    : NotSupportedException(ProblemText.Compose(op, Text(variant, takes), remedy: Another)), IProblem
{
    private const string Another = "choose another variant for this input";

    string IProblem.Place => op;

    /// <inheritdoc />
    public string Problem { get; } = Text(variant, takes);

    string? IProblem.Expected => null;

    string IProblem.Remedy => Another;

    private static string Text(string variant, string takes) => $"variant {variant} supports only {takes}";
}
