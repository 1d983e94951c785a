using System.CommandLine;
using CsUnet.Cli.Report;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet demo</c>: the whole workflow in a few minutes, on synthetic micrographs.</summary>
internal static class DemoCommand
{
    // Chosen for a two-core machine of 2020: it takes less than four minutes there, and the scores are good enough to show.
    private const int DefaultSteps = 120, ImageSize = 256, TrainImages = 10, ValidationImages = 3, TestImages = 4;

    public static Command Create(Terminal terminal)
    {
        Option<string?> output = Options.OutputFolder("--out", "DIR", "Folder of the run, new or empty. Default: runs/demo-DATE.");
        Option<int?> steps = Options.Integer("--steps", "N", $"Training steps. Default: {DefaultSteps}, under four minutes on two cores.",
            1, 1_000_000);
        Option<ulong?> seed = Options.Seed("Seed of the micrographs and of the training. Default: 0.");
        Option<string?> device = CommandHelpers.Device();
        Option<int?> threads = CommandHelpers.Threads();
        var command = new Command("demo",
            "Makes synthetic micrographs, trains a small network on them in a few minutes, and shows the result.")
        {
            output, steps, seed, device, threads,
        };
        command.SetAction(result =>
        {
            DeviceSelection selection = CommandHelpers.OpenDevice(result.GetValue(device));
            CommandHelpers.UseThreads(result.GetValue(threads));
            return Run(terminal, selection, result.GetValue(output), result.GetValue(steps) ?? DefaultSteps, result.GetValue(seed) ?? 0,
                CommandHelpers.CommandLineOf(result));
        });
        HelpWithExamples.SetNotes(command, """
            The micrographs show a nickel superalloy that never existed: a matrix with large secondary and small tertiary
            precipitates, and exact masks. They are written in the layout that --data of csunet train expects.

            Examples:
              csunet demo
              csunet demo --steps 300 --out runs/longer
            """);
        return command;
    }

    private static int Run(Terminal terminal, DeviceSelection device, string? output, int steps, ulong seed, string commandLine)
    {
        RunFolder folder;
        try
        {
            folder = RunFolder.Create("demo", output);
        }
        catch (RunException failure)
        {
            throw UsageException.From(failure);
        }
        string data = folder.File("data"), predictions = folder.File("predictions");
        terminal.WriteLine(
            $"making {TrainImages + ValidationImages + TestImages} synthetic micrographs of {ImageSize}x{ImageSize} pixels in {data}");
        FailedWorkException.Guard(() =>
        {
            SyntheticMicrographs.WriteTo(data, TrainImages, ValidationImages, TestImages, ImageSize, ImageSize, seed);
            return true;
        });
        var options = new TrainingOptions
        {
            Model = "cs-unet-mini", Data = Path.GetFullPath(data), Classes = ClassMap.NasaSuper.Name, Steps = steps, Seed = seed,
            ValidateEvery = Math.Max(1, steps / 3),
        };
        TrainingResult result = TrainingSession.Open(terminal, options, weighClasses: false, device, CommandHelpers.Execution(device))
            .Run(folder, isResumed: false, commandLine, isDemo: true);
        if (result.Outcome == TrainingOutcome.Cancelled)
            return ExitCode.Interrupted;
        FailedWorkException.Guard(() =>
        {
            Evaluate(terminal, device, folder, predictions);
            return true;
        });
        NextSteps.Write(terminal,
        [
            ($"{NextSteps.Program} predict --run {NextSteps.Quote(folder.Path)} FILE_OR_FOLDER", "label images with this network"),
            ($"{NextSteps.Program} train --data DIR --classes FILE.yaml",
                "train on your own micrographs; README.md shows the folder and the file"),
            ($"{NextSteps.Program} train --help", "all options"),
        ]);
        return ExitCode.Success;
    }

    private static void Evaluate(Terminal terminal, DeviceSelection device, RunFolder folder, string predictions)
    {
        using var interrupt = new Interrupt(terminal);
        LoadedRun run = LoadedRun.Open(folder.Path, "last", device);
        MicrographDataset images = RunData.Open(run.Options, "test", run.Intensity, run.ClassMap);
        using Predictor predictor = run.CreatePredictor(null);
        terminal.WriteLine();
        terminal.WriteLine($"{images.Count} test images, which the training has not seen:");
        Evaluation evaluation = Evaluator.Evaluate(predictor, images, (_, sample, labels) =>
            Pictures.SaveOverlay(Path.Combine(predictions, $"{sample.Name}_overlay.png"), sample.Image, labels, run.ClassMap),
                interrupt.Token);
        Display.EvaluationTable.Write(terminal, evaluation, withConfusion: false);
        evaluation.With(run.OriginOf(images, run.Options, "test", null)).Save(folder);
        string report = RunReport.Write(folder, terminal.Warn);
        terminal.WriteLine($"overlays: {predictions}");
        terminal.WriteLine($"report:   {report}");
    }
}
