using System.Globalization;
using CsUnet.Autograd;
using Spectre.Console;

namespace CsUnet.Cli.Display;

/// <summary>Where the time of a traced step went: the calls of an operator, or of a layer.</summary>
/// <param name="Name">The operator or layer.</param>
/// <param name="Calls">Forward calls.</param>
/// <param name="Forward">Time of its forward calls.</param>
/// <param name="Backward">Time of its backward calls.</param>
/// <param name="MultiplyAdds">Multiply-adds of its forward calls.</param>
/// <param name="Launches">Kernels that it launched, in both passes; 0 on the processor.</param>
internal sealed record TraceShare(string Name, int Calls, TimeSpan Forward, TimeSpan Backward, long MultiplyAdds, int Launches)
{
    public TimeSpan Total => Forward + Backward;

    /// <summary>Forward and backward GFLOP/s, counting a backward call as twice its forward; 0 for operators without matrix products.</summary>
    public double Rate => MultiplyAdds == 0 ? 0 : Flops / Total.TotalSeconds / 1e9;

    private double Flops => 2.0 * MultiplyAdds * (Backward > TimeSpan.Zero ? 3 : 1);

    /// <summary>Sums a trace by operator, the slowest first.</summary>
    public static IReadOnlyList<TraceShare> ByOperator(OperatorTrace trace) =>
        [.. Group(trace, entry => entry.Operator.Name).OrderByDescending(share => share.Total)];

    /// <summary>Sums a trace by layer, in the order of the forward pass; calls without a layer go under their operator's name.</summary>
    public static IReadOnlyList<TraceShare> ByLayer(OperatorTrace trace) => Group(trace, entry => entry.Layer ?? entry.Operator.Name);

    /// <summary>Sums layers by the first parts of their paths: <c>encoder.layers.0.blocks.1.mlp</c> goes to <c>encoder.layers.0</c>.</summary>
    public static IReadOnlyList<TraceShare> ByPart(IReadOnlyList<TraceShare> layers) => [.. layers
        .GroupBy(layer => string.Join('.', layer.Name.Split('.').Take(3)))
        .Select(part => new TraceShare(part.Key, part.Sum(layer => layer.Calls), Sum(part, layer => layer.Forward), Sum(part, layer => layer.Backward),
            part.Sum(layer => layer.MultiplyAdds), part.Sum(layer => layer.Launches)))];

    private static IReadOnlyList<TraceShare> Group(OperatorTrace trace, Func<OperatorTrace.Entry, string> name)
    {
        IReadOnlyList<OperatorTrace.Entry> entries = trace.Entries;
        return
        [
            .. entries.Select((entry, i) => (Entry: entry, Launches: entry.LaunchesSoFar - (i == 0 ? 0 : entries[i - 1].LaunchesSoFar)))
                .GroupBy(call => name(call.Entry))
                .Select(group => new TraceShare(
                    group.Key,
                    group.Count(call => !call.Entry.IsBackward),
                    Sum(group.Where(call => !call.Entry.IsBackward), call => call.Entry.Elapsed),
                    Sum(group.Where(call => call.Entry.IsBackward), call => call.Entry.Elapsed),
                    group.Where(call => !call.Entry.IsBackward).Sum(call => call.Entry.MultiplyAdds),
                    group.Sum(call => call.Launches))),
        ];
    }

    private static TimeSpan Sum<T>(IEnumerable<T> items, Func<T, TimeSpan> time) => TimeSpan.FromTicks(items.Sum(item => time(item).Ticks));

    /// <summary>Prints a table of shares of a step.</summary>
    /// <param name="terminal">Where.</param>
    /// <param name="title">What the rows are.</param>
    /// <param name="shares">The rows.</param>
    /// <param name="step">The time of the step; what the rows leave of it is the last row.</param>
    public static void Write(Terminal terminal, string title, IReadOnlyList<TraceShare> shares, TimeSpan step)
    {
        bool launches = shares.Any(share => share.Launches > 0);
        Table table = EvaluationTable.NewTable();
        table.AddColumn(title);
        foreach (string name in (string[])["calls", .. launches ? ["launches"] : Array.Empty<string>(), "forward ms", "backward ms", "share", "GFLOP", "GFLOP/s"])
            table.AddColumn(new TableColumn(name).RightAligned());
        foreach (TraceShare share in shares)
            AddRow(share.Name, Number(share.Calls), Number(share.Launches), Milliseconds(share.Forward), Milliseconds(share.Backward), share.Total,
                share.MultiplyAdds > 0 ? (share.Flops / 1e9).ToString("F1", CultureInfo.InvariantCulture) : "",
                share.MultiplyAdds > 0 ? share.Rate.ToString("F0", CultureInfo.InvariantCulture) : "");
        TimeSpan rest = step - Sum(shares, share => share.Total);
        AddRow("(optimiser and the rest)", "", "", Milliseconds(rest), "", rest, "", "");
        terminal.Ansi.Write(table);

        void AddRow(string name, string calls, string launched, string forward, string backward, TimeSpan total, string gflop, string rate) =>
            table.AddRow([name, calls, .. launches ? [launched] : Array.Empty<string>(), forward, backward, Percent(total / step), gflop, rate]);
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("F1", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (100 * share).ToString("F1", CultureInfo.InvariantCulture) + " %";
}
