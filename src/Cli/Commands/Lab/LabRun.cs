using System.CommandLine;
using CsUnet.Kernels;
using CsUnet.Lab;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary>A bench of several operators.</summary>
/// <param name="Device">The device it ran on.</param>
/// <param name="Ceilings">The device's limits, measured before the rows.</param>
/// <param name="Rows">The measured rows.</param>
/// <param name="Failures">The rows that were not measured because their check failed.</param>
/// <param name="Projected">The projected times; null if there are none.</param>
internal sealed record LabRun(
    string Device, Ceilings Ceilings, IReadOnlyList<BenchRow> Rows, IReadOnlyList<string> Failures, ProjectedTimes? Projected)
{
    /// <summary>Measures cases and prints each row as soon as it is measured.</summary>
    public static LabRun Measure(
        Terminal terminal, LabArguments arguments, ParseResult result, DeviceSelection selection, DType type, IReadOnlyList<LabCase> cases,
        bool allVariants, ProjectedTimes? projected, CancellationToken cancellation)
    {
        var bench = new Bench(selection.Device, type, arguments.Seconds(result));
        string device = selection.Device.Kind == DeviceKind.Cpu
            ? $"{Machine.Current.Describe()}, {Workers.Count} threads"
            : selection.Description;
        IReadOnlyList<(LabCase Case, KernelChoice Choice)> choices = arguments.Choices(result, cases, bench);
        Ceilings ceilings = Ceilings.Measure(selection.Device);
        terminal.WriteLine($"{device}; {bench.TypeName}");
        terminal.WriteLine(FormattableString.Invariant(
            $"ceilings: {ceilings.BytesPerSecond / 1e9:F1} GB/s, {ceilings.FlopsPerSecond / 1e12:F3} TFLOP/s ({ceilings.Source})"));
        terminal.WriteLine(LabTable.Heading);
        var rows = new List<BenchRow>();
        var failures = new List<string>();
        var taken = new HashSet<LabCase>();
        foreach ((LabCase item, KernelChoice choice) in choices)
        {
            // The usual variant is the first one that supports the case.
            if (!allVariants && taken.Contains(item))
                continue;
            try
            {
                foreach (Pass pass in Enum.GetValues<Pass>())
                {
                    BenchRow row = bench.Measure(item, pass, choice, cancellation);
                    rows.Add(row);
                    terminal.WriteLine(LabTable.Line(row, ceilings, projected));
                    terminal.Out.Flush();
                }
                taken.Add(item);
            }
            catch (Exception failure) when (bench.IsRefusal(failure))
            {
                terminal.WriteLine($"{item.Op,-22} {item.Shape,-40} not taken: {failure.Message}");
            }
            catch (CheckFailedException failure)
            {
                taken.Add(item);
                failures.Add(failure.Message);
                terminal.WriteLine($"not timed, its check failed: {failure.Message}");
            }
        }
        if (projected is not null)
            terminal.WriteLine(projected.Summary(rows));
        return new LabRun(device, ceilings, rows, failures, projected);
    }
}
