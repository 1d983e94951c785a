using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
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
                $"{Passed} passed, {Failed} failed{(Refused == 0 ? "" : $", {Refused} not taken in their type")}; {Arguments} arguments, {Entries} entries, {Undecided} undecided, {Shapes} random shapes; largest share {worst.Share:0.000}: {worst.Name}; {Elapsed.TotalSeconds:F0} s");
        }
    }

    /// <summary>The whole result as JSON, for other programs.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("what", "gradient check");
            json.WriteString("date", DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
            json.WriteString("command", Command);
            json.WriteString("version", Machine.ProgramVersion);
            json.WriteString("commit", Machine.Commit());
            json.WriteString("device", Device);
            json.WriteString("processor", Machine.Current.Processor);
            json.WriteNumber("threads", Workers.Count);
            json.WriteBoolean("all", Selection.All);
            json.WriteNumber("passed", Passed);
            json.WriteNumber("failed", Failed);
            json.WriteNumber("notTaken", Refused);
            json.WriteNumber("entries", Entries);
            json.WriteNumber("undecided", Undecided);
            json.WriteNumber("shapes", Shapes);
            json.WriteNumber("seconds", Elapsed.TotalSeconds);
            json.WriteStartArray("checks");
            foreach (GradCheckReport report in Reports)
                Write(json, report);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter json, GradCheckReport report)
    {
        json.WriteStartObject();
        json.WriteString("name", report.Name);
        json.WriteString("kind", report.Kind.ToString().ToLowerInvariant());
        json.WriteString("type", report.Type);
        json.WriteBoolean("passed", report.Passed);
        json.WriteNumber("seconds", report.Elapsed.TotalSeconds);
        json.WriteString("kinks", report.Kinks);
        json.WriteString("failure", report.Failure);
        json.WriteString("notTaken", report.Refusal);
        json.WriteString("reproduction", report.Reproduction);
        json.WriteStartArray("arguments");
        foreach (GradCheckLine line in report.Lines)
        {
            json.WriteStartObject();
            json.WriteString("name", line.Argument);
            json.WriteBoolean("passed", line.Passed);
            json.WriteString("check", line.Check);
            WriteNumber(json, "error", line.Error);
            WriteNumber(json, "share", line.Share);
            json.WriteNumber("entries", line.Entries);
            json.WriteNumber("undecided", line.Undecided);
            json.WriteNumber("shortSteps", line.ShortSteps);
            json.WriteString("where", line.Where);
            json.WriteString("failure", line.Failure);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // JSON has no infinity: write an infinite error as null.
    private static void WriteNumber(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }
}
