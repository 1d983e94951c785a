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
            means over the classes of the truth, pixel accuracy and the confusion matrix. The result is also written to
            evaluation-SPLIT-CHECKPOINT-STEP-HASH.json in the run's folder, with the scores of each image and what was measured.
            The hash is that of images, masks, weights, stride and device: only the same evaluation again replaces a file. The
            run's report.html shows all evaluations side by side.

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
        OutputFiles.CheckFolder(run.Folder.Path, run.Folder.Path);
        using Predictor predictor = run.CreatePredictor(shared.Stride(result));
        TrainingOptions options = run.Options with { Data = TrainingArguments.FullPath(data) ?? run.Options.Data, Subset = [] };
        if (data is null)
            LoadedRun.RequireData(options);
        MicrographDataset images = RunData.Open(options, split, run.Intensity, run.ClassMap);
        ReadingNotes.Write(terminal, images);
        EvaluationOrigin origin = run.OriginOf(images, options, split, shared.Stride(result));
        terminal.WriteLine($"{run.Describe()}; {images.Count} {(images.Count == 1 ? "image" : "images")} of {images.Name}");
        terminal.WriteLine($"intensity: {run.Intensity}");
        terminal.WriteLine($"device: {run.DescribeDevice()}");
        DatasetDisplay.Warn(terminal, DatasetCheck.Of(run.ClassMap, train: null, test: images.Summary).Warnings);
        // The report needs the run's other files. What is wrong with them is said before the computation, and does not stop it.
        RunReport.Check(run.Folder, terminal.Warn);
        IntensityWarning.Write(terminal, images);
        Evaluation evaluation = FailedWorkException.Guard(() => Evaluator.Evaluate(predictor, images, (done, sample, _) =>
        {
            terminal.WriteLine($"{done}/{images.Count} {sample.Name}");
            terminal.Out.Flush();
        }, interrupt.Token));
        EvaluationTable.Write(terminal, evaluation, withConfusion: true);
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"mean IoU {evaluation.MeanIoU:F4} on {split}")
            + (evaluation.MeanNote.Length > 0 ? $", {evaluation.MeanNote}" : ""));
        string path = evaluation.With(origin).Save(run.Folder);
        terminal.WriteLine($"written: {path}, {RunReport.Write(run.Folder, warn: null)}");
        return ExitCode.Success;
    }
}
