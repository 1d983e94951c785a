namespace CsUnet.Verification;

/// <summary>The result of one check.</summary>
/// <param name="Name">The case; it begins with the operator or module.</param>
/// <param name="Kind">Its subject.</param>
/// <param name="Type">The precision: float64 for numeric gradients, otherwise that of the kernels.</param>
/// <param name="Lines">One per argument; empty if the case failed earlier.</param>
/// <param name="Kinks">How the case avoids points without a derivative; empty if its functions have none.</param>
/// <param name="Failure">The problem; null if all gradients agree.</param>
/// <param name="Reproduction">The smallest failing shape as a line for OperatorCases.cs, or null.</param>
/// <param name="Elapsed">Wall time.</param>
/// <param name="HasDeviceFailed">Whether a kernel's failure left the device unusable.</param>
/// <param name="Refusal">Why nothing was checked: the operator's message that it does not support the precision.</param>
public sealed record GradCheckReport(
    string Name, GradCheckKind Kind, string Type, IReadOnlyList<GradCheckLine> Lines, string Kinks, string? Failure, string? Reproduction,
    TimeSpan Elapsed, bool HasDeviceFailed = false, string? Refusal = null)
{
    /// <summary>Whether all gradients agree.</summary>
    public bool Passed => Failure is null;

    /// <summary>Entries checked, of all arguments.</summary>
    public long Entries => Lines.Sum(line => line.Entries);

    /// <summary>The largest error over tolerance of all arguments; infinite if the case failed before any was compared.</summary>
    public double Share => Refusal is not null ? 0 : Lines.Count == 0 ? double.PositiveInfinity : Lines.Max(line => line.Share);
}
