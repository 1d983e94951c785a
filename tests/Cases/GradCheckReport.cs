using CsUnet.Autograd;

namespace CsUnet.Cases;

/// <summary>What a check works on, and what it compares.</summary>
public enum GradCheckKind
{
    /// <summary>An operator's case in double: analytic against numeric gradients.</summary>
    Operator,

    /// <summary>A module of the network in double.</summary>
    Module,

    /// <summary>A whole network in double.</summary>
    Network,

    /// <summary>An operator's kernels on a CUDA device against the analytic gradients in double.</summary>
    Kernel,

    /// <summary>Random shapes of an operator.</summary>
    Shapes,
}

/// <summary>What was found for one argument of a case: the finding that matters most, and how much was looked at.</summary>
/// <param name="Argument">The argument, the group of them, or the result.</param>
/// <param name="Check">The check of the finding, for example <c>entries</c> or <c>accumulate</c>.</param>
/// <param name="Error">Its largest error, relative to the tensor's largest entry.</param>
/// <param name="Share">That error over what was allowed.</param>
/// <param name="Entries">Entries that were compared one by one.</param>
/// <param name="Undecided">Entries whose numeric derivative was less exact than the tolerance.</param>
/// <param name="ShortSteps">Entries that needed a smaller difference step, because of a kink or a bend.</param>
/// <param name="Where">Where the largest error is.</param>
/// <param name="Failure">Null if the argument passed; else what is wrong.</param>
public sealed record GradCheckLine(
    string Argument, string Check, double Error, double Share, long Entries, int Undecided, int ShortSteps, string Where, string? Failure)
{
    /// <summary>Whether every check of the argument passed.</summary>
    public bool Passed => Failure is null;

    internal static GradCheckLine Of(ArgumentGradientCheck argument) => Of(argument, GradientVerdict.Agrees);

    /// <summary>The line of an argument whose verdict may be at most as bad as a given one.</summary>
    internal static GradCheckLine Of(ArgumentGradientCheck argument, GradientVerdict allowed)
    {
        GradientFinding worst = argument.Worst;
        return new GradCheckLine(
            argument.Name, Name(worst.Check), worst.Error, worst.Share, argument.EntriesChecked,
            argument.Findings.Sum(finding => Math.Max(finding.Undecided, finding.Verdict == GradientVerdict.Undecided ? 1 : 0)), argument.Findings.Sum(finding => finding.ShortSteps), worst.Where,
            argument.Verdict <= allowed ? null : argument.ToString());
    }

    internal static string Name(GradientChecks check) => check switch
    {
        GradientChecks.UsedTwice => "used twice",
        _ => check.ToString().ToLowerInvariant(),
    };
}

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
