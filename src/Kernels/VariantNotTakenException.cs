namespace CsUnet.Kernels;

/// <summary>A call does not fit the variant that was chosen for it by name. No other variant runs in its place.</summary>
/// <param name="op">The operator.</param>
/// <param name="variant">The variant.</param>
/// <param name="takes">What it supports.</param>
public sealed class VariantNotTakenException(string op, string variant, string takes)
    : NotSupportedException($"{op}: variant {variant} supports only {takes}; choose another variant for this input");
