using System.Globalization;
using CsUnet.Autograd;
using Spectre.Console;

namespace CsUnet.Cli.Display;

/// <summary>Where the time of a traced step went, by operator.</summary>
/// <param name="Name">The operator.</param>
/// <param name="Calls">Forward calls.</param>
/// <param name="Forward">Time of its forward calls.</param>
/// <param name="Backward">Time of its backward calls.</param>
/// <param name="MultiplyAdds">Multiply-adds of its forward calls.</param>
internal sealed record OperatorShare(string Name, int Calls, TimeSpan Forward, TimeSpan Backward, long MultiplyAdds)
{
    public TimeSpan Total => Forward + Backward;

    /// <summary>Forward and backward GFLOP/s, counting a backward call as twice its forward; 0 for operators without matrix products.</summary>
    public double Rate => MultiplyAdds == 0 ? 0 : 2.0 * MultiplyAdds * (Backward > TimeSpan.Zero ? 3 : 1) / Total.TotalSeconds / 1e9;

    /// <summary>Sums a trace by operator, the slowest first.</summary>
    public static IReadOnlyList<OperatorShare> Of(OperatorTrace trace) => [.. trace.Entries
        .GroupBy(entry => entry.Operator.Name)
        .Select(group => new OperatorShare(
            group.Key,
            group.Count(entry => !entry.IsBackward),
            TimeSpan.FromTicks(group.Where(entry => !entry.IsBackward).Sum(entry => entry.Elapsed.Ticks)),
            TimeSpan.FromTicks(group.Where(entry => entry.IsBackward).Sum(entry => entry.Elapsed.Ticks)),
            group.Where(entry => !entry.IsBackward).Sum(entry => entry.MultiplyAdds)))
        .OrderByDescending(share => share.Total)];

    /// <summary>Prints the table; what the step did outside of operators (optimiser, clearing) is its last row.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<OperatorShare> shares, TimeSpan step)
    {
        Table table = EvaluationTable.NewTable();
        table.AddColumn("operator");
        foreach (string name in new[] { "calls", "forward ms", "backward ms", "share", "GFLOP", "GFLOP/s" })
            table.AddColumn(new TableColumn(name).RightAligned());
        foreach (OperatorShare share in shares)
        {
            double gflop = 2e-9 * share.MultiplyAdds * (share.Backward > TimeSpan.Zero ? 3 : 1);
            table.AddRow(share.Name, share.Calls.ToString(CultureInfo.InvariantCulture), Milliseconds(share.Forward), Milliseconds(share.Backward),
                Percent(share.Total / step), gflop > 0 ? gflop.ToString("F1", CultureInfo.InvariantCulture) : "",
                gflop > 0 ? share.Rate.ToString("F0", CultureInfo.InvariantCulture) : "");
        }
        TimeSpan rest = step - TimeSpan.FromTicks(shares.Sum(share => share.Total.Ticks));
        table.AddRow("(optimiser and the rest)", "", Milliseconds(rest), "", Percent(rest / step), "", "");
        terminal.Ansi.Write(table);
    }

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("F1", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (100 * share).ToString("F1", CultureInfo.InvariantCulture) + " %";
}
