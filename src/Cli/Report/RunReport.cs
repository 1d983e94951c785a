using System.Globalization;
using CsUnet.Cli.Display;
using CsUnet.Data;
using CsUnet.Training;

namespace CsUnet.Cli.Report;

/// <summary>
/// Creates report.html, loss.svg and iou.svg of a run folder from its other files. This needs neither the network nor the data, so the
/// report can be created again after each evaluation.
/// </summary>
internal static class RunReport
{
    public const string FileName = "report.html";

    /// <summary>The folder of the example images: NAME_image.png, NAME_truth.png, NAME_prediction.png.</summary>
    public const string ExampleFolder = "examples";

    // More points than pixels would make the file larger, but not the line better.
    private const int LargestCurve = 600;

    /// <summary>Writes the three files. Returns the path of the report.</summary>
    public static string Write(RunFolder folder)
    {
        TrainingOptions options = folder.LoadOptions();
        RunRecord record = RunRecord.Load(folder);
        IReadOnlyList<MetricsRow> metrics = File.Exists(folder.MetricsPath) ? MetricsLog.Read(folder.MetricsPath) : [];
        LineChart loss = LossChart(metrics), iou = IoUChart(metrics);
        (string Split, Evaluation Scores)[] evaluations = [.. Evaluations(folder)];
        var content = new ReportContent
        {
            Title = folder.Name,
            Summary = $"{options.Model} on {record.Data}, {record.Step} of {record.Steps} steps ({record.Outcome}), "
                + record.Started.ToString("d MMMM yyyy, HH:mm", CultureInfo.InvariantCulture),
            Headlines = Headlines(record, metrics, evaluations),
            Sections = Sections(options, record),
            Charts = [loss, iou],
            Evaluations = evaluations,
            Examples = Examples(folder),
            Legend = Legend(folder),
            Configuration = File.ReadAllText(folder.ConfigPath),
            Dataset = Dataset(folder),
            Next = NextSteps.AfterTraining(folder, evaluations.Any(evaluation => evaluation.Split == "test")),
        };
        OutputFiles.WriteText(folder.File("loss.svg"), loss.ToFile());
        OutputFiles.WriteText(folder.File("iou.svg"), iou.ToFile());
        string path = folder.File(FileName);
        OutputFiles.WriteText(path, HtmlReport.Render(content));
        return path;
    }

    /// <summary>The check of the data set. A report without it is better than none: damage of its file becomes a warning in it.</summary>
    private static DatasetTable? Dataset(RunFolder folder)
    {
        try
        {
            return DatasetCheckFile.Load(folder);
        }
        catch (RunException failure)
        {
            return new DatasetTable([], [], [], [failure.Message]);
        }
    }

    private static LineChart LossChart(IReadOnlyList<MetricsRow> metrics)
    {
        IReadOnlyList<(double, double)> raw = Smoothing.Thin([.. metrics.Select(row => ((double)row.Step, row.Loss))], LargestCurve);
        (double, double)[] validation =
            [.. metrics.Where(row => row.ValidationLoss is not null).Select(row => ((double)row.Step, row.ValidationLoss!.Value))];
        return new LineChart("Loss", "step",
            [
                new ChartSeries("training, each step", "a", raw, Faint: true),
                new ChartSeries("training", "a", Smoothing.Smooth(raw)),
                new ChartSeries("validation", "b", validation, Markers: validation.Length <= 40),
            ], Minimum: 0);
    }

    private static LineChart IoUChart(IReadOnlyList<MetricsRow> metrics)
    {
        (double, double)[] validation =
            [.. metrics.Where(row => row.ValidationMeanIoU is not null).Select(row => ((double)row.Step, row.ValidationMeanIoU!.Value))];
        return new LineChart("Mean IoU", "step", [new ChartSeries("validation", "c", validation, Markers: validation.Length <= 40)], 0, 1);
    }

    private static IEnumerable<(string, Evaluation)> Evaluations(RunFolder folder)
    {
        const string Prefix = "evaluation-";
        foreach (string path in Directory.EnumerateFiles(folder.Path, $"{Prefix}*.json").Order(StringComparer.Ordinal))
            yield return (Path.GetFileNameWithoutExtension(path)[Prefix.Length..], Evaluation.Load(path));
    }

    private static List<(string, string)> Headlines(
        RunRecord record, IReadOnlyList<MetricsRow> metrics, (string Split, Evaluation Scores)[] evaluations)
    {
        var headlines = new List<(string, string)>();
        foreach ((string split, Evaluation scores) in evaluations)
        {
            headlines.Add((Number(scores.MeanIoU, 3), $"mean IoU, {split}"));
            headlines.Add((Number(scores.PixelAccuracy, 3), $"pixel accuracy, {split}"));
        }
        if (record.BestMeanIoU is { } best)
            headlines.Add((Number(best, 3), $"best mean IoU, val (step {record.BestStep})"));
        if (record.Seconds > 0)
            headlines.Add((TrainingDisplay.Duration(TimeSpan.FromSeconds(record.Seconds)), "training time"));
        if (metrics.Count > 0)
            headlines.Add((Number(metrics[^1].ImagesPerSecond, 1), "images/s"));
        return headlines;
    }

    private static List<(string, IReadOnlyList<(string, string)>)> Sections(TrainingOptions options, RunRecord record) =>
    [
        ("Training", [
            ("data", record.Data),
            ("seed", options.Seed.ToString(CultureInfo.InvariantCulture)),
            ("steps", $"{record.Step} of {record.Steps} ({record.Outcome})"),
            ("batch", options.Batch.ToString(CultureInfo.InvariantCulture)),
            ("optimiser", $"{options.Optimizer.ToString().ToLowerInvariant()}, learning rate "
                + $"{options.LearningRate.ToString("R", CultureInfo.InvariantCulture)}, "
                + $"{options.Schedule.ToString().ToLowerInvariant()} schedule"),
            ("loss",
                string.Create(CultureInfo.InvariantCulture, $"{options.CrossEntropyWeight} cross-entropy + {options.DiceWeight} Dice")),
        ]),
        ("Network", [
            ("model", options.Model),
            ("input size", $"{options.Height}x{options.Width}"),
            ("parameters", record.Parameters.ToString("N0", CultureInfo.InvariantCulture)),
        ]),
        ("Program and machine", [
            ("version", record.Version),
            ("command", record.Command),
            ("CPU", record.Hardware),
            ("system", record.System),
            ("memory of a step", string.Create(CultureInfo.InvariantCulture, $"{record.PeakBytes / 1e6:F0} MB")),
        ]),
    ];

    private static IReadOnlyList<ReportExample> Examples(RunFolder folder)
    {
        string examples = folder.File(ExampleFolder);
        if (!Directory.Exists(examples))
            return [];
        const string ImageSuffix = "_image.png";
        return [.. Directory.EnumerateFiles(examples, $"*{ImageSuffix}").Order(StringComparer.Ordinal)
            .Select(path => path[..^ImageSuffix.Length])
            // A kill while an example is written can leave only some of its three images. Show the other examples.
            .Where(stem => File.Exists($"{stem}_truth.png") && File.Exists($"{stem}_prediction.png"))
            .Select(stem =>
                new ReportExample(Path.GetFileName(stem), File.ReadAllBytes(stem + ImageSuffix), File.ReadAllBytes($"{stem}_truth.png"),
                File.ReadAllBytes($"{stem}_prediction.png")))];
    }

    private static IReadOnlyList<(string, string)> Legend(RunFolder folder) => !File.Exists(folder.ClassesPath) ? [] :
        [.. ClassMap.FromYaml(File.ReadAllText(folder.ClassesPath), folder.ClassesPath).Classes.Select(entry =>
            (entry.Name, entry.Display.ToString()))];

    private static string Number(double value, int decimals) => value.ToString($"F{decimals}", CultureInfo.InvariantCulture);
}
