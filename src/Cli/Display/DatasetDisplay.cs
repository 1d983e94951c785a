using System.Globalization;
using CsUnet.Data;
using Spectre.Console;

namespace CsUnet.Cli.Display;

/// <summary>Prints the check of a data set.</summary>
internal static class DatasetDisplay
{
    /// <summary>Prints the counts of the splits and what fell to the default class.</summary>
    public static void Write(Terminal terminal, DatasetTable table)
    {
        Table counts = EvaluationTable.NewTable();
        counts.AddColumn("");
        foreach (string split in table.Splits)
            counts.AddColumn(new TableColumn(Terminal.Cell(split)).RightAligned());
        foreach (DatasetTable.Row row in table.Rows)
            counts.AddRow([Terminal.Cell(row.Name), .. row.Cells.Select(Terminal.Cell)]);
        terminal.Ansi.Write(counts);
        if (table.Defaulted.Count == 0)
            return;
        terminal.WriteLine(DefaultedTitle);
        Table defaulted = EvaluationTable.NewTable();
        foreach (string name in new[] { "split", "value" })
            defaulted.AddColumn(name);
        foreach (string name in new[] { "pixels", "share" })
            defaulted.AddColumn(new TableColumn(name).RightAligned());
        defaulted.AddColumn("near");
        foreach (DatasetTable.DefaultedRow row in table.Defaulted)
        {
            defaulted.AddRow(Terminal.Cell(row.Split), Terminal.Cell(row.Value), row.Pixels.ToString(CultureInfo.InvariantCulture),
                Terminal.Cell(row.Share), Terminal.Cell(row.Near));
        }
        terminal.Ansi.Write(defaulted);
    }

    /// <summary>The heading of the values that no class lists.</summary>
    public const string DefaultedTitle = "mask values that no class lists, so that they became the default class";

    /// <summary>Prints warnings beside the work of a command, to standard error.</summary>
    public static void Warn(Terminal terminal, IReadOnlyList<string> warnings)
    {
        foreach (string warning in warnings)
            terminal.Warn(warning);
    }
}
