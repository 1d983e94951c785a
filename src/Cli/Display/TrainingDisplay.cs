using System.Diagnostics;
using System.Globalization;
using CsUnet.Tensors;
using CsUnet.Training;
using Spectre.Console;

namespace CsUnet.Cli.Display;

/// <summary>
/// Shows the progress of a training run: a bar on a terminal, a line every few seconds in a file or pipe. Both show loss, IoU, images per
/// second and the remaining time. The IoU is that of the batch until the first validation, then that of the validation.
/// </summary>
internal sealed class TrainingDisplay(Terminal terminal) : ITrainingObserver
{
    // Losses are averaged over about this many steps, because those of single batches fluctuate.
    private const double Memory = 20;

    private readonly Stopwatch _sinceLine = Stopwatch.StartNew();
    private long _seen;
    private double _loss;
    private double _batchIoU;
    private double? _validationIoU;
    private string _description = "starting";
    private ProgressTask? _bar;

    /// <summary>Seconds between two lines when the output is not a terminal.</summary>
    public double LineSeconds { get; init; } = 5;

    /// <summary>Runs the training with the display that suits the output. The training reports to this object.</summary>
    public TrainingResult Run(Func<TrainingResult> train)
    {
        if (!terminal.IsInteractive)
            return train();
        TrainingResult? result = null;
        // The text needs about 68 columns. The bar gets the rest, because a line that wraps makes the display jump.
        int width = Math.Clamp(terminal.Ansi.Profile.Width - 70, 6, 40);
        terminal.Ansi.Progress().AutoClear(false).HideCompleted(false)
            .Columns(new ProgressBarColumn { Width = width }, new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                _bar = context.AddTask(_description, maxValue: 1);
                try
                {
                    result = train();
                }
                finally
                {
                    _bar.StopTask();
                    _bar = null;
                }
            });
        return result!;
    }

    /// <inheritdoc />
    public void OnStep(StepReport report)
    {
        _seen++;
        double weight = 1 / Math.Min(_seen, Memory);
        _loss += (report.Loss - _loss) * weight;
        _batchIoU += (report.MeanIoU - _batchIoU) * weight;
        if (_bar is not null)
        {
            _bar.MaxValue = report.Steps;
            _bar.Value = report.Step;
            _bar.Description = _description = Markup.Escape($"{report.Step}/{report.Steps}  {Describe(report)}");
        }
        else if (_seen == 1 || report.Step == report.Steps || _sinceLine.Elapsed.TotalSeconds >= LineSeconds)
        {
            _sinceLine.Restart();
            WriteLine($"step {report.Step}/{report.Steps}  epoch {report.Epoch}/{report.Epochs}  {Describe(report)}");
        }
    }

    /// <inheritdoc />
    public void OnValidationStarted(int step)
    {
        if (_bar is not null)
            _bar.Description = $"{step}  validating";
    }

    /// <inheritdoc />
    public void OnValidation(ValidationReport report)
    {
        _validationIoU = report.MeanIoU;
        if (_bar is not null)
            _bar.Description = _description;
        WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"step {report.Step}  validation: loss {report.Loss:F4}, mean IoU "
                + $"{report.MeanIoU:F4}{(report.IsBest ? "  (best so far)" : "")}")
            + (report.MeanNote.Length > 0 ? $"; {report.MeanNote}" : ""));
    }

    /// <inheritdoc />
    public void OnWarning(string message) => WriteLine($"warning: {message}");

    private void WriteLine(string line)
    {
        // While the bar is shown, the library must print the line above it.
        if (_bar is not null)
            terminal.Ansi.Write(new Text(PlainText.Of(line) + "\n"));
        else
            terminal.WriteLine(line);
        terminal.Out.Flush();
    }

    private string Describe(StepReport report)
    {
        string iou = _validationIoU is { } value
            ? string.Create(CultureInfo.InvariantCulture, $"val IoU {value:F3}")
            : string.Create(CultureInfo.InvariantCulture, $"batch IoU {_batchIoU:F3}");
        return string.Create(CultureInfo.InvariantCulture,
            $"loss {_loss:F4}  {iou}  {report.ImagesPerSecond:F1} images/s  ETA {Duration(report.Remaining)}");
    }

    /// <summary>Formats a time, for example 0:42, 12:05 or 1:03:20.</summary>
    public static string Duration(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(long)time.TotalHours}:{time.Minutes:D2}:{time.Seconds:D2}" : $"{time.Minutes}:{time.Seconds:D2}";
}
