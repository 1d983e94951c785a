using System.Globalization;
using System.Text;
using CsUnet.Lab;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary>Formats the lab's results as text lines, CSV and JSON.</summary>
internal static class LabTable
{
    public static string Heading =>
        $"{"operator",-22} {"shape",-40} {"pass",-8} {"variant",-22} {"time us",10} {"spread",13} {"GB/s",8} {"TFLOP/s",8} {"peak",5} "
            + $"{"regs",4} {"occ",4}  baseline";

    public static string Line(BenchRow row, Ceilings ceilings, ProjectedTimes? projected)
    {
        string spread = string.Create(CultureInfo.InvariantCulture, $"{row.Times.Low * 1e6:F1}-{row.Times.High * 1e6:F1}");
        string arithmetic = row.Flops > 0 ? string.Create(CultureInfo.InvariantCulture, $"{row.FlopsPerSecond / 1e12:F3}") : "";
        string baseline = row.Speedup is { } speedup
            ? string.Create(CultureInfo.InvariantCulture, $"{row.Baseline} {row.BaselineTimes!.Median * 1e6:F1} us, x{speedup:F2}")
            : "";
        if (projected?.Seconds.TryGetValue(row.Name, out double least) == true)
            baseline = string.Create(CultureInfo.InvariantCulture,
                $"{baseline}{(baseline.Length > 0 ? "; " : "")}projected {least * 1e6:F1} us, measured x{row.Times.Median / least:F2}");
        string registers = row.Usage is { } usage ? $"{usage.Registers}{(usage.SpillBytes > 0 ? "!" : "")}" : "";
        string occupancy = row.Usage is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{row.Occupancy:P0}");
        return string.Create(CultureInfo.InvariantCulture,
            $"{row.Op,-22} {row.Shape,-40} {row.Pass.ToString().ToLowerInvariant(),-8} {row.Variant,-22} {row.Times.Median * 1e6,10:F1} "
                + $"{spread,13} {row.BytesPerSecond / 1e9,8:F1} {arithmetic,8} {row.ShareOf(ceilings),5:P0} {registers,4} {occupancy,4}  "
                + $"{baseline}").TrimEnd();
    }

    public static string ToCsv(LabRun run)
    {
        var csv = new StringBuilder("operator,shape,pass,variant,type,median_s,low_s,high_s,runs,bytes,flops,gbps,tflops,peak_share,"
            + "registers,shared_bytes,spill_bytes,occupancy,launches,baseline,baseline_s\n");
        foreach (BenchRow row in run.Rows)
        {
            csv.Append(CultureInfo.InvariantCulture, $"{row.Op},{CsvText.Cell(row.Shape)},{row.Pass},{row.Variant},{row.Type},");
            csv.Append(CultureInfo.InvariantCulture, $"{row.Times.Median:G6},{row.Times.Low:G6},{row.Times.High:G6},{row.Times.Runs},");
            csv.Append(CultureInfo.InvariantCulture, $"{row.Bytes},{row.Flops:G9},{row.BytesPerSecond / 1e9:G6},");
            csv.Append(CultureInfo.InvariantCulture, $"{row.FlopsPerSecond / 1e12:G6},{row.ShareOf(run.Ceilings):G4},");
            csv.Append(CultureInfo.InvariantCulture, $"{row.Usage?.Registers},{row.Usage?.SharedBytes},{row.Usage?.SpillBytes},");
            csv.Append(CultureInfo.InvariantCulture, $"{row.Occupancy:G3},{row.Launches.Count},{CsvText.Cell(row.Baseline ?? "")},");
            csv.Append(CultureInfo.InvariantCulture, $"{row.BaselineTimes?.Median:G6}\n");
        }
        return csv.ToString();
    }

    public static string ToJson(LabRun run, string command) => ProgramJson.Text(new JsonFiles.LabFile(
        "kernel bench", ProgramJson.Now, command, Machine.Commit(), run.Device, Machine.Current.Processor, Machine.Current.Runtime,
        run.Ceilings.BytesPerSecond, run.Ceilings.FlopsPerSecond, run.Ceilings.Source,
        run.Projected?.Errors(run.Rows) is { } errors
            ? new JsonFiles.ErrorsEntry(run.Projected.Gpu, errors.Median, errors.Least, errors.Most, errors.Rows)
            : null,
        [.. run.Rows.Select(row => EntryOf(row, run))], run.Failures), ProgramJson.Readable.LabFile);

    private static JsonFiles.LabEntry EntryOf(BenchRow row, LabRun run) => new(
        row.Name, row.Times.Median, row.Times.Low, row.Times.High, row.Times.Runs, row.Bytes, row.Flops, row.ShareOf(run.Ceilings),
        run.Projected?.Seconds.TryGetValue(row.Name, out double projected) == true ? projected : null,
        row.Usage?.Registers, row.Usage?.SharedBytes, row.Usage?.SpillBytes, row.Usage is null ? null : row.Occupancy, row.Launches,
        row.BaselineTimes is null ? null : row.Baseline, row.BaselineTimes?.Median);
}
