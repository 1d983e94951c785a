using System.Globalization;

namespace CsUnet.Kernels;

/// <summary>A call whose variant was chosen by name does not fit that variant: another would have to run under its name.</summary>
/// <param name="op">The operator.</param>
/// <param name="variant">The variant.</param>
/// <param name="takes">What it supports.</param>
public sealed class VariantNotTakenException(string op, string variant, string takes)
    : NotSupportedException($"{op}: variant {variant} supports only {takes}; choose another variant for this input");
