namespace CsUnet.Autograd;

/// <summary>The result of one check for one argument.</summary>
/// <param name="Check">Which check.</param>
/// <param name="Verdict">Whether both sides agree.</param>
/// <param name="Error">The largest difference, relative to the gradient's largest entry; along a direction, relative to its norm.</param>
/// <param name="Tolerance">The largest error allowed.</param>
/// <param name="NumericError">The numeric derivative's estimate of its own error there, relative like <paramref name="Error"/>.</param>
/// <param name="Where">Where the largest difference is: coordinates, or "all" for a direction.</param>
/// <param name="Index">Its row-major position; -1 for a direction.</param>
/// <param name="Analytic">The backward pass's result there.</param>
/// <param name="Expected">The correct result: the numeric derivative, or the gradient that the pass must repeat.</param>
/// <param name="Entries">The number of entries checked.</param>
/// <param name="Undecided">The number of entries whose numeric derivative was less exact than the tolerance.</param>
/// <param name="ShortSteps">The number of entries that needed a smaller difference step than the first, because the function bends or has a
/// kink nearby.</param>
public sealed record GradientFinding(
    GradientChecks Check, GradientVerdict Verdict, double Error, double Tolerance, double NumericError, string Where, long Index,
    double Analytic, double Expected, long Entries, int Undecided = 0, int ShortSteps = 0)
{
    /// <summary>The error divided by the largest error allowed: above 1 it is too large.</summary>
    public double Share => Error == 0 ? 0 : Error / (Tolerance + NumericError);

    /// <summary>
    /// For example <c>Entries differs: 0.25 at (0,3), expected 0.5 +- 1E-011, error 5.0E-001 of 1.0E-008 allowed, 20 entries</c>.
    /// </summary>
    public override string ToString()
    {
        string undecided = Undecided == 0 ? "" : $", {Undecided} undecided";
        string found = FormattableString.Invariant(
            $"{Check} {Verdict.ToString().ToLowerInvariant()}: {Analytic:G9} at {Where}, expected {Expected:G9} +- {NumericError:E0}");
        return FormattableString.Invariant($"{found}, error {Error:E1} of {Tolerance:E1} allowed, {Entries} entries{undecided}");
    }
}
