using System.Globalization;
using CsUnet.Cli.Display;
using CsUnet.Data;
using CsUnet.Tensors;
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

    /// <summary>Reads the files that <see cref="Write"/> needs, to say what is wrong with them before a long computation.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="warn">Receives a line for each damaged file.</param>
    public static void Check(RunFolder folder, Action<string> warn) => _ = Content(folder, warn);

    /// <summary>Writes the three files. A damaged file of the run is left out of the report.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="warn">Receives a line for each damaged file; null: <see cref="Check"/> has said it already.</param>
    /// <returns>The path of the report.</returns>
    public static string Write(RunFolder folder, Action<string>? warn)
    {
        ReportContent content = Content(folder, warn ?? (_ => { }));
        OutputFiles.WriteText(folder.File("loss.svg"), content.Charts[0].ToFile());
        OutputFiles.WriteText(folder.File("iou.svg"), content.Charts[1].ToFile());
        string path = folder.File(FileName);
        OutputFiles.WriteText(path, HtmlReport.Render(content));
        return path;
    }

    private static ReportContent Content(RunFolder folder, Action<string> warn)
    {
        T Sound<T>(Func<T> read, T otherwise)
        {
            try
            {
                return read();
            }
            catch (Exception failure) when (failure is IProblem or IOException or UnauthorizedAccessException)
            {
                warn($"{failure.Message}; the report leaves it out");
                return otherwise;
            }
        }
        TrainingOptions options = folder.LoadOptions();
        RunRecord record = Sound(() => RunRecord.Load(folder), RunRecord.Unknown);
        string? damage = null;
        IReadOnlyList<MetricsRow> metrics = Sound(
            () => File.Exists(folder.MetricsPath) ? MetricsLog.ReadSound(folder.MetricsPath, out damage) : [], []);
        if (damage is not null)
            warn(damage);
        Evaluation[] evaluations = [.. folder.EvaluationPaths()
            .Select(path => Sound(() => Named(path, Evaluation.Load(path)), null!)).OfType<Evaluation>()];
        string started = record.Started == default ? "start unknown"
            : record.Started.ToString("d MMMM yyyy, HH:mm", CultureInfo.InvariantCulture);
        return new ReportContent
        {
            Title = folder.Name,
            Summary = $"{options.Model} on {record.Data}, {record.Step} of {record.Steps} steps ({record.Outcome}), {started}",
            Headlines = Headlines(record, metrics, evaluations),
            Sections = Sections(options, record),
            Charts = [LossChart(metrics), IoUChart(metrics)],
            Evaluations = evaluations,
            Examples = Sound(() => Examples(folder), []),
            Legend = Sound(() => Legend(folder), []),
            Dataset = Sound(() => DatasetCheckFile.Load(folder), null),
            Configuration = Sound(() => ReadFile.Text(folder.ConfigPath), ""),
            Next = NextSteps.AfterTraining(folder, evaluations.Any(evaluation => evaluation.Origin!.Split == "test")),
        };
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

    /// <summary>An evaluation with its origin. Older versions wrote only the split, into the file's name.</summary>
    private static Evaluation Named(string path, Evaluation evaluation) => evaluation.Origin is not null ? evaluation : evaluation.With(
        new EvaluationOrigin(Path.GetFileNameWithoutExtension(path)[Evaluation.FilePrefix.Length..], "", 0, 0, "", "", "", "", null));

    private static List<(string, string)> Headlines(
        RunRecord record, IReadOnlyList<MetricsRow> metrics, IReadOnlyList<Evaluation> evaluations)
    {
        var headlines = new List<(string, string)>();
        // More would need more words than a headline has; a table lists them all.
        if (evaluations is [var scores])
        {
            headlines.Add((Number(scores.MeanIoU, 3), $"mean IoU, {scores.Origin!.Split}"));
            headlines.Add((Number(scores.PixelAccuracy, 3), $"pixel accuracy, {scores.Origin.Split}"));
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
            ("intensity", record.Intensity.Length > 0 ? record.Intensity : "the full range of the samples"),
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
        [.. ClassMap.Load(folder.ClassesPath).Classes.Select(entry =>
            (entry.Name, entry.Display.ToString()))];

    private static string Number(double value, int decimals) => value.ToString($"F{decimals}", CultureInfo.InvariantCulture);
}
