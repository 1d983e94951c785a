using System.Globalization;
using CsUnet.Lab;
using Spectre.Console;

namespace CsUnet.Cli.Display;

/// <summary>Prints how the time of a traced step was spent.</summary>
internal static class TraceTable
{
    /// <summary>Prints a table of shares of a step.</summary>
    /// <param name="terminal">The output.</param>
    /// <param name="title">The heading of the rows.</param>
    /// <param name="shares">The rows.</param>
    /// <param name="step">The time of the step; the last row shows the part that the other rows do not cover.</param>
    public static void Write(Terminal terminal, string title, IReadOnlyList<TraceShare> shares, TimeSpan step)
    {
        bool launches = shares.Any(share => share.Launches > 0);
        Table table = EvaluationTable.NewTable();
        table.AddColumn(title);
        foreach (string name in (string[])["calls", .. launches ? ["launches"] : Array.Empty<string>(), "forward ms", "backward ms",
            "share", "GFLOP", "GFLOP/s"])
            table.AddColumn(new TableColumn(name).RightAligned());
        foreach (TraceShare share in shares)
            AddRow(share.Name, Number(share.Calls), Number(share.Launches), Milliseconds(share.Forward), Milliseconds(share.Backward),
                share.Total,
                share.MultiplyAdds > 0 ? (share.Flops / 1e9).ToString("F1", CultureInfo.InvariantCulture) : "",
                share.MultiplyAdds > 0 ? share.Rate.ToString("F0", CultureInfo.InvariantCulture) : "");
        TimeSpan rest = step - TimeSpan.FromTicks(shares.Sum(share => share.Total.Ticks));
        AddRow("(optimiser and the rest)", "", "", Milliseconds(rest), "", rest, "", "");
        terminal.Ansi.Write(table);

        void AddRow(string name, string calls, string launched, string forward, string backward, TimeSpan total, string gflop,
            string rate) =>
            table.AddRow([name, calls, .. launches ? [launched] : Array.Empty<string>(), forward, backward, Percent(total / step), gflop,
                rate]);
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("F1", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (100 * share).ToString("F1", CultureInfo.InvariantCulture) + " %";
}
