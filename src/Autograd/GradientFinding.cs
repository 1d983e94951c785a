namespace CsUnet.Autograd;

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
/// <param name="ShortSteps">How many needed a smaller difference step than the first, because the function bends or has a kink
/// near.</param>
public sealed record GradientFinding(
    GradientChecks Check, GradientVerdict Verdict, double Error, double Tolerance, double NumericError, string Where, long Index,
    double Analytic, double Expected, long Entries, int Undecided = 0, int ShortSteps = 0)
{
    /// <summary>The difference over what was allowed: above 1 it is too large.</summary>
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
