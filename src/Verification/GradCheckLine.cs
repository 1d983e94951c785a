using CsUnet.Autograd;

namespace CsUnet.Verification;

/// <summary>The result for one argument of a case: its worst finding, and the amount of work.</summary>
/// <param name="Argument">The argument, the group of them, or the result.</param>
/// <param name="Check">The check of the finding, for example <c>entries</c> or <c>accumulate</c>.</param>
/// <param name="Error">Its largest error, relative to the tensor's largest entry.</param>
/// <param name="Share">That error over the tolerance.</param>
/// <param name="Entries">Number of entries compared individually.</param>
/// <param name="Undecided">Entries whose numeric derivative was less exact than the tolerance.</param>
/// <param name="ShortSteps">Entries that needed a smaller difference step, because of a kink or strong curvature.</param>
/// <param name="Where">The place of the largest error.</param>
/// <param name="Failure">The problem; null if the argument passed.</param>
public sealed record GradCheckLine(
    string Argument, string Check, double Error, double Share, long Entries, int Undecided, int ShortSteps, string Where, string? Failure)
{
    /// <summary>Whether every check of the argument passed.</summary>
    public bool Passed => Failure is null;

    internal static GradCheckLine Of(ArgumentGradientCheck argument) => Of(argument, GradientVerdict.Agrees);

    /// <summary>The line of an argument, which passes if its verdict is at most as bad as a given one.</summary>
    internal static GradCheckLine Of(ArgumentGradientCheck argument, GradientVerdict allowed)
    {
        GradientFinding worst = argument.Worst;
        return new GradCheckLine(
            argument.Name, Name(worst.Check), worst.Error, worst.Share, argument.EntriesChecked,
            argument.Findings.Sum(finding => Math.Max(finding.Undecided, finding.Verdict == GradientVerdict.Undecided ? 1 : 0)),
            argument.Findings.Sum(finding => finding.ShortSteps), worst.Where, argument.Verdict <= allowed ? null : argument.ToString());
    }

    internal static string Name(GradientChecks check) => check switch
    {
        GradientChecks.UsedTwice => "used twice",
        _ => check.ToString().ToLowerInvariant(),
    };
}
