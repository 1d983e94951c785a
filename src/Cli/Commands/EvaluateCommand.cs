using System.CommandLine;
using System.Globalization;
using CsUnet.Cli.Display;
using CsUnet.Cli.Report;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet evaluate</c>: computes IoU and Dice of a trained network on the images of a split.</summary>
internal static class EvaluateCommand
{
    public static Command Create(Terminal terminal)
    {
        Option<string?> run = CommandHelpers.Run();
        Option<string?> data = Options.Text("--data", "DIR", "Folder of the data set. Default: the run's own.");
        Option<string?> split = Options.Text("--split", "NAME",
            "Which images: train, val, test, or another folder of the set. Default: test.");
        Option<string?> checkpoint = CommandHelpers.Checkpoint();
        Option<int?> stride = Options.Integer("--stride", "N",
            "Pixels between tiles; smaller is slower and smoother. Default: the run's tile_stride, half a tile.", 1, 8192);
        Option<string?> device = CommandHelpers.Device();
        Option<string?> precision = CommandHelpers.PrecisionOfRun();
        Option<int?> threads = CommandHelpers.Threads();
        var command = new Command("evaluate", "Measures a trained network on the images of a split.")
        {
            run, data, split, checkpoint, stride, device, precision, threads,
        };
        command.SetAction(result =>
        {
            DeviceSelection selection = CommandHelpers.OpenDevice(result.GetValue(device));
            CommandHelpers.UseThreads(result.GetValue(threads));
            Precision? arithmetic = CommandHelpers.PrecisionOf(result.GetValue(precision), selection);
            return Run(terminal, selection, arithmetic, result.GetValue(run), result.GetValue(data), result.GetValue(split) ?? "test",
                result.GetValue(checkpoint) ?? "last", result.GetValue(stride));
        });
        HelpWithExamples.SetNotes(command, """
            Whole images are labelled by overlapping tiles, and all their pixels counted together: IoU and Dice per class, their
            means over the classes of the truth, pixel accuracy and the confusion matrix. The result is also written to
            evaluation-SPLIT.json in the run's folder, with the scores of each image, and shown in its report.html.

            Examples:
              csunet evaluate
              csunet evaluate --run runs/super1 --split val --checkpoint best
              csunet evaluate --run runs/super1 --data OTHER_SET --split test
            """);
        return command;
    }

    private static int Run(
        Terminal terminal, DeviceSelection device, Precision? precision, string? runPath, string? data, string split, string checkpoint,
        int? stride)
    {
        using var interrupt = new Interrupt(terminal);
        // The name of the split is also part of a file name.
        if (split.Length == 0 || split.AsSpan().ContainsAny('/', '\\'))
            throw new UsageException($"--split is '{split}'", "the name of a folder of the data set, such as test");
        LoadedRun run = LoadedRun.Open(runPath, checkpoint, device, precision);
        MicrographDataset images = RunData.Open(run.Options with { Data = data ?? run.Options.Data, Subset = [] }, split, run.ClassMap);
        DatasetDisplay.Warn(terminal, DatasetCheck.Of(run.ClassMap, train: null, test: images.Summary).Warnings);
        using Predictor predictor = run.CreatePredictor(stride);
        terminal.WriteLine($"{run.Describe()}; {images.Count} {(images.Count == 1 ? "image" : "images")} of {images.Name}");
        terminal.WriteLine($"device: {run.Describe(device)}");
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
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"mean IoU {evaluation.MeanIoU:F4} on {split}")
            + (evaluation.MeanNote.Length > 0 ? $", {evaluation.MeanNote}" : ""));
        string path = folder.EvaluationPath(split);
        evaluation.Save(path);
        terminal.WriteLine($"written: {path}, {RunReport.Write(folder)}");
    }
}
