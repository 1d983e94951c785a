using System.Globalization;

namespace CsUnet.Kernels;

/// <summary>A call whose variant was chosen by name does not fit that variant: another would have to run under its name.</summary>
/// <param name="op">The operator.</param>
/// <param name="variant">The variant.</param>
/// <param name="takes">What it takes.</param>
public sealed class VariantNotTakenException(string op, string variant, string takes)
    : NotSupportedException($"{op}: the variant {variant} takes {takes}; choose another for these inputs");
