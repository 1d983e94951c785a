using System.CommandLine;
using System.Globalization;
using CsUnet.Cli.Display;
using CsUnet.Cli.Report;
using CsUnet.Data;
using CsUnet.Training;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet evaluate</c>: computes IoU and Dice of a trained network on the images of a split.</summary>
internal static class EvaluateCommand
{
    public static Command Create(Terminal terminal)
    {
        var shared = new RunOptions();
        Option<string?> data = Options.Text("--data", "DIR", "Folder of the data set. Default: the run's own.");
        Option<string?> split = Options.Text("--split", "NAME",
            "Which images: train, val, test, or another folder of the set. Default: test.");
        var command = new Command("evaluate", "Measures a trained network on the images of a split.");
        shared.AddTo(command, data, split);
        command.SetAction(result => Run(terminal, shared, result, result.GetValue(data), result.GetValue(split) ?? "test"));
        HelpWithExamples.SetNotes(command, """
            Whole images are labelled by overlapping tiles, and all their pixels counted together: IoU and Dice per class, their
            means over the classes that occur, pixel accuracy and the confusion matrix. The result is also written to
            evaluation-SPLIT.json in the run's folder, with the scores of each image, and shown in its report.html.

            Examples:
              csunet evaluate
              csunet evaluate --run runs/super1 --split val --checkpoint best
              csunet evaluate --run runs/super1 --data OTHER_SET --split test
            """);
        return command;
    }

    private static int Run(Terminal terminal, RunOptions shared, ParseResult result, string? data, string split)
    {
        using var interrupt = new Interrupt(terminal);
        // The name of the split is also part of a file name.
        if (split.Length == 0 || split.AsSpan().ContainsAny('/', '\\'))
            throw new UsageException($"--split is '{split}'", "the name of a folder of the data set, such as test");
        LoadedRun run = shared.Open(result);
        MicrographDataset images = RunData.Open(run.Options with { Data = data ?? run.Options.Data, Subset = [] }, split, run.ClassMap);
        using Predictor predictor = run.CreatePredictor(shared.Stride(result));
        terminal.WriteLine($"{run.Describe()}; {images.Count} {(images.Count == 1 ? "image" : "images")} of {images.Name}");
        terminal.WriteLine($"device: {run.DescribeDevice()}");
        Evaluation evaluation = Evaluator.Evaluate(predictor, images, (done, sample, _) =>
        {
            terminal.WriteLine($"{done}/{images.Count} {sample.Name}");
            terminal.Out.Flush();
        }, interrupt.Token);
        Finish(terminal, run.Folder, split, evaluation);
        return ExitCode.Success;
    }

    /// <summary>Prints an evaluation, saves it in the run's folder and updates the report.</summary>
    public static void Finish(Terminal terminal, RunFolder folder, string split, Evaluation evaluation)
    {
        EvaluationTable.Write(terminal, evaluation, withConfusion: true);
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"mean IoU {evaluation.MeanIoU:F4} on {split}"));
        string path = folder.EvaluationPath(split);
        evaluation.Save(path);
        terminal.WriteLine($"written: {path}, {RunReport.Write(folder)}");
    }
}
