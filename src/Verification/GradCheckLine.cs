using CsUnet.Autograd;

namespace CsUnet.Verification;

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
            argument.Findings.Sum(finding => Math.Max(finding.Undecided, finding.Verdict == GradientVerdict.Undecided ? 1 : 0)),
            argument.Findings.Sum(finding => finding.ShortSteps), worst.Where, argument.Verdict <= allowed ? null : argument.ToString());
    }

    internal static string Name(GradientChecks check) => check switch
    {
        GradientChecks.UsedTwice => "used twice",
        _ => check.ToString().ToLowerInvariant(),
    };
}
