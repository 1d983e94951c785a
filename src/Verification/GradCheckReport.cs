namespace CsUnet.Verification;

/// <summary>What came of one check.</summary>
/// <param name="Name">The case; it begins with the operator or module.</param>
/// <param name="Kind">What it works on.</param>
/// <param name="Type">The precision: float64 for numeric gradients, else that of the kernels.</param>
/// <param name="Lines">One per argument; empty if the case failed before there was one.</param>
/// <param name="Kinks">How the case stays off kinks, or what it met of them; empty if its functions have none.</param>
/// <param name="Failure">Null if all gradients agree; else what is wrong.</param>
/// <param name="Reproduction">The smallest failing shape as a line for OperatorCases.cs, or null.</param>
/// <param name="Elapsed">Wall time.</param>
/// <param name="HasDeviceFailed">Whether a kernel's failure left the device unusable.</param>
/// <param name="Refusal">Why nothing was checked: the operator does not take the precision, in its own words.</param>
public sealed record GradCheckReport(
    string Name, GradCheckKind Kind, string Type, IReadOnlyList<GradCheckLine> Lines, string Kinks, string? Failure, string? Reproduction,
    TimeSpan Elapsed, bool HasDeviceFailed = false, string? Refusal = null)
{
    /// <summary>Whether all gradients agree.</summary>
    public bool Passed => Failure is null;

    /// <summary>Entries checked, over all arguments.</summary>
    public long Entries => Lines.Sum(line => line.Entries);

    /// <summary>The largest share of what was allowed, of any argument; infinite if the case failed before there was one.</summary>
    public double Share => Refusal is not null ? 0 : Lines.Count == 0 ? double.PositiveInfinity : Lines.Max(line => line.Share);
}
