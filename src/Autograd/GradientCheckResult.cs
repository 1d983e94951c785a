using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>The verdict on one check of one argument.</summary>
public enum GradientVerdict
{
    /// <summary>Both sides agree within the tolerance and the numeric side's own error, which is no larger than the tolerance.</summary>
    Agrees,

    /// <summary>Too many entries whose numeric derivative is less exact than the tolerance: a kink, or too much rounding.</summary>
    Undecided,

    /// <summary>They differ by more than the tolerance and the numeric side's own error together.</summary>
    Differs,
}

/// <summary>What one check found for one argument.</summary>
/// <param name="Check">Which check.</param>
/// <param name="Verdict">Whether both sides agree.</param>
/// <param name="Error">The largest difference, relative to the gradient's largest entry (along a direction: to its norm).</param>
/// <param name="Tolerance">What is allowed.</param>
/// <param name="NumericError">The numeric derivative's own estimate of its error there, relative as <paramref name="Error"/>.</param>
/// <param name="Where">Where the largest difference is: coordinates, or "all" for a direction.</param>
/// <param name="Index">Its row-major position; -1 for a direction.</param>
/// <param name="Analytic">What the backward pass gives there.</param>
/// <param name="Expected">What it should be: the numeric derivative, or the gradient that it should repeat.</param>
/// <param name="Entries">How many entries took part.</param>
/// <param name="Undecided">How many of them were less exact than the tolerance.</param>
/// <param name="ShortSteps">How many needed a smaller difference step than the first, because the function bends or has a kink near.</param>
public sealed record GradientFinding(
    GradientChecks Check, GradientVerdict Verdict, double Error, double Tolerance, double NumericError, string Where, long Index,
    double Analytic, double Expected, long Entries, int Undecided = 0, int ShortSteps = 0)
{
    /// <summary>The difference over what was allowed: above 1 it is too large.</summary>
    public double Share => Error == 0 ? 0 : Error / (Tolerance + NumericError);

    /// <summary>For example <c>Entries differs: 0.25 at (0,3), expected 0.5 +- 1E-011, error 5.0E-001 of 1.0E-008 allowed, 20 entries</c>.</summary>
    public override string ToString()
    {
        string undecided = Undecided == 0 ? "" : $", {Undecided} undecided";
        return FormattableString.Invariant(
            $"{Check} {Verdict.ToString().ToLowerInvariant()}: {Analytic:G9} at {Where}, expected {Expected:G9} +- {NumericError:E0}, error {Error:E1} of {Tolerance:E1} allowed, {Entries} entries{undecided}");
    }
}

/// <summary>What was found for one argument, or one group of them.</summary>
/// <param name="Name">The variable's name, its group, or its position.</param>
/// <param name="Shape">Its dimensions; of a group, the number of its entries.</param>
/// <param name="Findings">One per check.</param>
public sealed record ArgumentGradientCheck(string Name, Shape Shape, IReadOnlyList<GradientFinding> Findings)
{
    /// <summary>The finding that matters most: the worst verdict, and among equals the largest share of what was allowed.</summary>
    public GradientFinding Worst { get; } = Findings.OrderByDescending(finding => finding.Verdict).ThenByDescending(finding => finding.Share).First();

    /// <summary>The worst verdict.</summary>
    public GradientVerdict Verdict => Worst.Verdict;

    /// <summary>Entries that were checked one by one.</summary>
    public int EntriesChecked => (int)(this[GradientChecks.Entries]?.Entries ?? 0);

    /// <summary>What a check found, or null if it was not asked for.</summary>
    public GradientFinding? this[GradientChecks check] => Findings.FirstOrDefault(finding => finding.Check == check);

    /// <inheritdoc />
    public override string ToString() => $"{Name} {Shape}: {string.Join("; ",
        Findings.Where(finding => finding.Verdict != GradientVerdict.Agrees).DefaultIfEmpty(Worst))}";
}

/// <summary>What the check found for all arguments.</summary>
/// <param name="Arguments">One entry per argument or group, in their order.</param>
/// <param name="Evaluations">How often the function was evaluated.</param>
public sealed record GradientCheckResult(IReadOnlyList<ArgumentGradientCheck> Arguments, int Evaluations)
{
    /// <summary>Whether every check of every argument passed.</summary>
    public bool Passed => Arguments.All(argument => argument.Verdict == GradientVerdict.Agrees);

    /// <summary>The argument that matters most.</summary>
    public ArgumentGradientCheck Worst => Arguments.OrderByDescending(argument => argument.Verdict).ThenByDescending(argument => argument.Worst.Share).First();

    /// <summary>All failures in words, one line each; empty if there is none.</summary>
    public string Failures => string.Join('\n', Arguments.Where(argument => argument.Verdict != GradientVerdict.Agrees));
}
