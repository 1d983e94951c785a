using System.Globalization;
using System.Text.Json;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>All results of one run of the gradient checks.</summary>
/// <param name="Reports">The checks, in the order in which they ran.</param>
/// <param name="Device">The device.</param>
/// <param name="Command">The command line.</param>
/// <param name="Selection">The requested checks.</param>
/// <param name="Elapsed">Wall time of all.</param>
public sealed record GradCheckSummary(
    IReadOnlyList<GradCheckReport> Reports, string Device, string Command, GradCheckSelection Selection, TimeSpan Elapsed)
{
    /// <summary>Checks that failed.</summary>
    public int Failed => Reports.Count(report => !report.Passed);

    /// <summary>Checks in a precision that the operator does not support.</summary>
    public int Refused => Reports.Count(report => report.Refusal is not null);

    /// <summary>Checks that passed.</summary>
    public int Passed => Reports.Count - Failed - Refused;

    /// <summary>Entries compared, except those of random shapes.</summary>
    public long Entries => Reports.Where(report => report.Kind != GradCheckKind.Shapes).Sum(report => report.Entries);

    /// <summary>Random shapes tried.</summary>
    public long Shapes => Reports.Where(report => report.Kind == GradCheckKind.Shapes).Sum(report => report.Entries);

    /// <summary>Entries that central differences cannot decide, for example at a kink.</summary>
    public int Undecided => Reports.Sum(report => report.Lines.Sum(line => line.Undecided));

    /// <summary>Arguments checked.</summary>
    public int Arguments => Reports.Sum(report => report.Lines.Count);

    /// <summary>The last line of the run.</summary>
    public string Text
    {
        get
        {
            GradCheckReport worst = Reports.MaxBy(report => report.Passed ? report.Share : double.PositiveInfinity)!;
            return string.Create(CultureInfo.InvariantCulture,
                $"{Passed} passed, {Failed} failed{(Refused == 0 ? "" : $", {Refused} not taken in their type")}; {Arguments} arguments, "
                    + $"{Entries} entries, {Undecided} undecided, {Shapes} random shapes; largest share {worst.Share:0.000}: {worst.Name}; "
                    + $"{Elapsed.TotalSeconds:F0} s");
        }
    }

    /// <summary>The whole result as JSON, for other programs.</summary>
    public string ToJson() => JsonSerializer.Serialize(new GradCheckFile(
        "gradient check", DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture), Command,
        Machine.ProgramVersion, Machine.Commit(), Device, Machine.Current.Processor, Workers.Count, Selection.All, Passed, Failed, Refused,
        Entries, Undecided, Shapes, Elapsed.TotalSeconds, [.. Reports.Select(CheckOf)]), GradCheckJson.Readable.GradCheckFile) + "\n";

    private static GradCheckFile.CheckEntry CheckOf(GradCheckReport report) => new(
        report.Name, report.Kind.ToString().ToLowerInvariant(), report.Type, report.Passed, report.Elapsed.TotalSeconds, report.Kinks,
        report.Failure, report.Refusal, report.Reproduction, [.. report.Lines.Select(ArgumentOf)]);

    private static GradCheckFile.ArgumentEntry ArgumentOf(GradCheckLine line) => new(
        line.Argument, line.Passed, line.Check, Finite(line.Error), Finite(line.Share), line.Entries, line.Undecided, line.ShortSteps,
        line.Where, line.Failure);

    // JSON has no infinity: write an infinite error as null.
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
