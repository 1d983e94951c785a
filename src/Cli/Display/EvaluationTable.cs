using System.Globalization;
using CsUnet.Training;
using Spectre.Console;

namespace CsUnet.Cli.Display;

/// <summary>Prints the result of an evaluation on the console.</summary>
internal static class EvaluationTable
{
    /// <summary>Prints IoU and Dice per class, their means, the pixel accuracy, and optionally the confusion matrix.</summary>
    public static void Write(Terminal terminal, Evaluation evaluation, bool withConfusion)
    {
        Table scores = NewTable();
        scores.AddColumn(new TableColumn("class"));
        foreach (string name in new[] { "IoU", "Dice" })
            scores.AddColumn(new TableColumn(name).RightAligned());
        foreach (ClassScore score in evaluation.Classes)
            scores.AddRow(Terminal.Cell(score.Name), Score(score.IoU), Score(score.Dice));
        scores.AddRow("mean", Score(evaluation.MeanIoU), Score(evaluation.MeanDice));
        terminal.Ansi.Write(scores);
        if (evaluation.MeanNote.Length > 0)
            terminal.WriteLine(evaluation.MeanNote);
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pixel accuracy {evaluation.PixelAccuracy:F4}"));
        if (!withConfusion)
            return;
        terminal.WriteLine();
        terminal.WriteLine("confusion matrix, pixels (row: truth, column: prediction)");
        Table confusion = NewTable();
        confusion.AddColumn("");
        foreach (string name in evaluation.ClassNames)
            confusion.AddColumn(new TableColumn(Terminal.Cell(name)).RightAligned());
        long[][] rows = evaluation.Confusion.ToRows();
        for (int row = 0; row < rows.Length; row++)
            confusion.AddRow([Terminal.Cell(evaluation.ClassNames[row]),
                .. rows[row].Select(count => count.ToString(CultureInfo.InvariantCulture))]);
        terminal.Ansi.Write(confusion);
    }

    /// <summary>A table with only one line, below the heading: it looks the same in a terminal, a file and a mail.</summary>
    public static Table NewTable() => new() { Border = TableBorder.Simple };

    private static string Score(double? value) => value?.ToString("F4", CultureInfo.InvariantCulture) ?? "absent";
}
