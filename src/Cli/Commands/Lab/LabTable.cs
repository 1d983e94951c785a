using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsUnet.Lab;
using CsUnet.Training;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary>The lab's results as lines, CSV and JSON.</summary>
internal static class LabTable
{
    public static string Heading =>
        $"{"operator",-22} {"shape",-40} {"pass",-8} {"variant",-22} {"time us",10} {"spread",13} {"GB/s",8} {"TFLOP/s",8} {"peak",5} {"regs",4} {"occ",4}  baseline";

    public static string Line(BenchRow row, Ceilings ceilings, ProjectedTimes? projected)
    {
        string spread = string.Create(CultureInfo.InvariantCulture, $"{row.Times.Low * 1e6:F1}-{row.Times.High * 1e6:F1}");
        string arithmetic = row.Flops > 0 ? string.Create(CultureInfo.InvariantCulture, $"{row.FlopsPerSecond / 1e12:F3}") : "";
        string baseline = row.Speedup is { } speedup ? string.Create(CultureInfo.InvariantCulture, $"{row.Baseline} {row.BaselineTimes!.Median * 1e6:F1} us, x{speedup:F2}") : "";
        if (projected?.Seconds.TryGetValue(row.Name, out double least) == true)
            baseline = string.Create(CultureInfo.InvariantCulture, $"{baseline}{(baseline.Length > 0 ? "; " : "")}projected {least * 1e6:F1} us, measured x{row.Times.Median / least:F2}");
        string registers = row.Usage is { } usage ? $"{usage.Registers}{(usage.SpillBytes > 0 ? "!" : "")}" : "";
        string occupancy = row.Usage is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{row.Occupancy:P0}");
        return string.Create(CultureInfo.InvariantCulture,
            $"{row.Op,-22} {row.Shape,-40} {row.Pass.ToString().ToLowerInvariant(),-8} {row.Variant,-22} {row.Times.Median * 1e6,10:F1} {spread,13} {row.BytesPerSecond / 1e9,8:F1} {arithmetic,8} {row.ShareOf(ceilings),5:P0} {registers,4} {occupancy,4}  {baseline}").TrimEnd();
    }

    public static string ToCsv(LabRun run)
    {
        var csv = new StringBuilder("operator,shape,pass,variant,type,median_s,low_s,high_s,runs,bytes,flops,gbps,tflops,peak_share,registers,shared_bytes,spill_bytes,occupancy,launches,baseline,baseline_s\n");
        foreach (BenchRow row in run.Rows)
            csv.Append(CultureInfo.InvariantCulture, $"{row.Op},\"{row.Shape}\",{row.Pass},{row.Variant},{row.Type},{row.Times.Median:G6},{row.Times.Low:G6},{row.Times.High:G6},{row.Times.Runs},{row.Bytes},{row.Flops:G9},{row.BytesPerSecond / 1e9:G6},{row.FlopsPerSecond / 1e12:G6},{row.ShareOf(run.Ceilings):G4},{row.Usage?.Registers},{row.Usage?.SharedBytes},{row.Usage?.SpillBytes},{row.Occupancy:G3},{row.Launches.Count},{row.Baseline},{row.BaselineTimes?.Median:G6}\n");
        return csv.ToString();
    }

    public static string ToJson(LabRun run, string command)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("what", "kernel bench");
            json.WriteString("date", DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
            json.WriteString("command", command);
            json.WriteString("commit", Machine.Commit());
            json.WriteString("device", run.Device);
            json.WriteString("processor", Machine.Current.Processor);
            json.WriteString("runtime", Machine.Current.Runtime);
            json.WriteNumber("ceilingBytesPerSecond", run.Ceilings.BytesPerSecond);
            json.WriteNumber("ceilingFlopsPerSecond", run.Ceilings.FlopsPerSecond);
            json.WriteString("ceilings", run.Ceilings.Source);
            if (run.Projected?.Errors(run.Rows) is { } errors)
            {
                json.WriteStartObject("measuredOverProjected");
                json.WriteString("gpu", run.Projected.Gpu);
                json.WriteNumber("median", errors.Median);
                json.WriteNumber("least", errors.Least);
                json.WriteNumber("most", errors.Most);
                json.WriteNumber("rows", errors.Rows);
                json.WriteEndObject();
            }
            json.WriteStartArray("rows");
            foreach (BenchRow row in run.Rows)
                Write(json, row, run);
            json.WriteEndArray();
            json.WriteStartArray("failed");
            foreach (string failure in run.Failures)
                json.WriteStringValue(failure);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter json, BenchRow row, LabRun run)
    {
        json.WriteStartObject();
        json.WriteString("name", row.Name);
        json.WriteNumber("seconds", row.Times.Median);
        json.WriteNumber("low", row.Times.Low);
        json.WriteNumber("high", row.Times.High);
        json.WriteNumber("runs", row.Times.Runs);
        json.WriteNumber("bytes", row.Bytes);
        json.WriteNumber("flops", row.Flops);
        json.WriteNumber("peakShare", row.ShareOf(run.Ceilings));
        if (run.Projected?.Seconds.TryGetValue(row.Name, out double projected) == true)
            json.WriteNumber("projectedSeconds", projected);
        if (row.Usage is { } usage)
        {
            json.WriteNumber("registers", usage.Registers);
            json.WriteNumber("sharedBytes", usage.SharedBytes);
            json.WriteNumber("spillBytes", usage.SpillBytes);
            json.WriteNumber("occupancy", row.Occupancy);
        }
        json.WriteStartArray("launches");
        foreach (string launch in row.Launches)
            json.WriteStringValue(launch);
        json.WriteEndArray();
        if (row.BaselineTimes is { } baseline)
        {
            json.WriteString("baseline", row.Baseline);
            json.WriteNumber("baselineSeconds", baseline.Median);
        }
        json.WriteEndObject();
    }
}
