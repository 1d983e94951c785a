using System.Diagnostics;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// Trains a model step by step (<see cref="TrainingStep"/>) on its device, validates it, keeps the best and the last weights, and stops
/// early. Every step is a function of the options and the step number, so a run that was stopped and resumed ends with the same bytes as
/// one that was not. The temporaries of a step live in an arena, which stops growing after the first steps.
/// </summary>
public sealed partial class Trainer : IDisposable
{
    private const string SmallerSteps = "train with a smaller learning_rate, or with clip_norm (for example 1), in a new run";

    private readonly IBatchSource _batches;
    private readonly MicrographDataset? _validation;
    private readonly SegmentationLoss _loss;
    private readonly Optimizer _optimizer;
    private readonly Schedule _schedule;
    private readonly CheckpointWriter _checkpoints;
    private readonly StepArena _arena = new();
    private readonly Normalisation _normalisation;
    private readonly Predictor _predictor;
    private readonly SpeedMeter _speed = new();
    private readonly TrainingStep _steps;
    private TrainerState _state = TrainerState.Initial;
    // Whether a class occurs in the training masks, by label; null until the first validation.
    private bool[]? _trained;
    private int _unread;
    private long _unreadSince;
    private bool _isResumed;
    private IDisposable? _lock;

    /// <summary>Creates a trainer at step 0. Most callers use <see cref="Create"/>.</summary>
    /// <param name="options">The run's options; those of the model and the data are not used.</param>
    /// <param name="model">The model, with its initial weights.</param>
    /// <param name="header">The header of the weight files, including the model's options.</param>
    /// <param name="batches">The source of batches; the trainer disposes it.</param>
    /// <param name="validation">Validation images, or null for none.</param>
    /// <param name="folder">The folder for all files.</param>
    /// <param name="execution">Where and how to compute; the model is moved there. Null: the model's current device.</param>
    /// <exception cref="RunException">The options do not fit the model.</exception>
    /// <exception cref="ArgumentException">The header describes another network.</exception>
    public Trainer(
        TrainingOptions options, SegmentationModel model, CheckpointHeader header, IBatchSource batches, MicrographDataset? validation,
        RunFolder folder, ExecutionOptions? execution = null)
    {
        options.Validate();
        if (header.Model.ToJson() != model.Options.ToJson())
            throw new ArgumentException(
                $"Trainer: the header describes the network {header.Model.ToJson()}, but the model is {model.Options.ToJson()}; "
                + "its checkpoints could not be loaded", nameof(header));
        Options = options;
        Model = model;
        execution ??= new ExecutionOptions { Device = model.Device };
        model.To(execution.Device);
        if (!options.Precision.RunsOn(model.Device))
        {
            throw new OptionException("precision", $"is '{options.Precision.Label()}', but the CPU computes in fp32 only",
                expected: null,
                remedy: "train on a CUDA device, or in fp32");
        }
        model.Precision = options.Precision;
        Folder = folder;
        _normalisation = header.Normalisation;
        StepsPerEpoch = Math.Max(1, batches.StepsPerEpoch);
        Steps = options.Epochs is { } epochs ? checked(epochs * StepsPerEpoch) : options.Steps;
        _batches = batches;
        _validation = validation is { Count: > 0 } ? validation : null;
        if (_validation is null && (options.Patience > 0 || options.Schedule == ScheduleKind.Plateau))
        {
            throw new RunException("patience and the plateau schedule need validation images, but the data set has none",
                remedy: "set patience to 0 and another schedule");
        }
        _loss = options.CreateLoss(model.Classes);
        _optimizer = options.CreateOptimizer(model);
        _schedule = options.CreateSchedule(Steps);
        _checkpoints = new CheckpointWriter(folder, model, _optimizer, header, options);
        _steps = TrainingStep.Create(new TrainingState(options, model, _loss, _optimizer, _arena), execution);
        _predictor = CreatePredictor(options.ValidationStride == 0 ? Math.Min(model.Height, model.Width) : options.ValidationStride);
    }

    /// <summary>
    /// Creates a predictor for the trainer's model. Its tiles have the size of the training crops, so it reuses the memory of a training
    /// step. Use it only between steps, and only until the trainer is disposed.
    /// </summary>
    /// <param name="stride">Pixels between tiles; 0: half a tile.</param>
    public Predictor CreatePredictor(int stride) => new(Model, stride, Math.Max(1, Options.Batch), _normalisation, _arena);

    /// <summary>The options of the run.</summary>
    public TrainingOptions Options { get; }

    /// <summary>The model being trained.</summary>
    public SegmentationModel Model { get; }

    /// <summary>
    /// What was read from the file of <see cref="TrainingOptions.CnnWeights"/>; null if this trainer did not read one, as after resuming
    /// from a checkpoint.
    /// </summary>
    public CnnWeightsFile? CnnWeights { get; private set; }

    /// <summary>The folder for all files.</summary>
    public RunFolder Folder { get; }

    /// <summary>
    /// The training images: validations are judged on the classes that occur in their masks. Null where only the batches are known; then on
    /// all classes.
    /// </summary>
    internal MicrographDataset? TrainingSet { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public int Steps { get; }

    /// <summary>Steps per epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Steps completed; on a CUDA device, steps enqueued.</summary>
    public int Step => _state.Step;

    /// <summary>After resuming: the keys of the options that differ from those of the last checkpoint.</summary>
    public IReadOnlyList<string> ChangedOptions => _checkpoints.ChangedOptions;

    /// <summary>The optimiser.</summary>
    public Optimizer Optimizer => _optimizer;

    /// <summary>Number of steps that were launched as a CUDA graph.</summary>
    public int ReplayedSteps => _steps.Replays;

    /// <summary>Bytes that the step arena has reserved; constant after every kind of step has run once.</summary>
    public long ReservedBytes => _arena.ReservedBytes;

    /// <summary>Trains until the last step, early stopping or cancellation, and leaves a checkpoint for resuming.</summary>
    /// <param name="observer">Receives progress; null for none.</param>
    /// <param name="cancellation">Stops the run after the current step.</param>
    /// <exception cref="RunException">
    /// A loss, gradient or weight is not finite, or a file cannot be written. The last good checkpoint is kept.
    /// </exception>
    public TrainingResult Run(ITrainingObserver? observer = null, CancellationToken cancellation = default)
    {
        long start = Stopwatch.GetTimestamp();
        // A run may have been started on a machine with more cores.
        if (Options.Threads > 0)
            Workers.Count = Math.Min(Options.Threads, Workers.Largest);
        if (!_isResumed)
            RequireNewFolder();
        // A second call continues where the first one ended.
        _isResumed = true;
        // A run resumed between a step and its validation validates first, and writes the row of that step again.
        bool isPending = IsValidationDue;
        using var log = new MetricsLog(
            Folder.MetricsPath, isPending ? _state.Step - 1 : _state.Step, message => observer?.OnWarning(message),
            isPending || _state.Step == 0 ? null : Row(_state.Step));
        int saved = _state.Step;
        TrainingOutcome? outcome = null;
        while (outcome is null)
        {
            if (!isPending)
            {
                outcome = End(cancellation);
                if (outcome is not null)
                    break;
                TrainStep();
                if (!IsReadDue(cancellation))
                    continue;
            }
            List<MetricsRow> rows = isPending ? [Row(_state.Step)] : ReadSteps(observer);
            isPending = false;
            ValidationReport? validation = null;
            if (IsValidationDue)
            {
                observer?.OnValidationStarted(_state.Step);
                validation = Validate(cancellation);
                if (validation is null)
                    outcome = TrainingOutcome.Cancelled;
            }
            rows[^1] = rows[^1] with { ValidationLoss = validation?.Loss, ValidationMeanIoU = validation?.MeanIoU };
            rows.ForEach(log.Append);
            if (validation is not null)
                observer?.OnValidation(validation);
            if (validation is not null || outcome is not null || IsCheckpointDue)
            {
                Save(log, validation is { IsBest: true });
                saved = _state.Step;
                observer?.OnCheckpoint(_state.Step, Folder.LastPath);
            }
        }
        ReadSteps(observer).ForEach(log.Append);
        if (saved != _state.Step || !Folder.HasCheckpoint)
        {
            Save(log, isBest: false);
            observer?.OnCheckpoint(_state.Step, Folder.LastPath);
        }
        return new TrainingResult(outcome.Value, _state.Step, _state.Loss, _state.History.Best, _state.History.BestStep,
            Stopwatch.GetElapsedTime(start), _arena.PeakBytes);
    }

    /// <summary>Why the run ends here; null if another step follows.</summary>
    private TrainingOutcome? End(CancellationToken cancellation)
    {
        if (_state.Step >= Steps)
            return TrainingOutcome.Completed;
        if (Options.Patience > 0 && _state.History.SinceBest >= Options.Patience)
            return TrainingOutcome.StoppedEarly;
        return cancellation.IsCancellationRequested ? TrainingOutcome.Cancelled : null;
    }

    private bool IsValidationDue => _validation is not null && _state.Step > 0 && _state.ValidatedStep != _state.Step
        && (_state.Step == Steps || (Options.ValidateEvery > 0 && _state.Step % Options.ValidateEvery == 0));

    private bool IsCheckpointDue => Options.CheckpointEvery > 0 && _state.Step % Options.CheckpointEvery == 0;

    private int Epoch(int step) => (step - 1) / StepsPerEpoch + 1;

    /// <summary>Runs a step, or enqueues it on a CUDA device.</summary>
    private void TrainStep()
    {
        if (_unread == 0)
            _unreadSince = Stopwatch.GetTimestamp();
        double learningRate = _schedule.At(_state.Step, _state.History);
        _steps.Run(_batches, _state.Step, learningRate);
        _unread++;
        _state = _state with { Step = _state.Step + 1 };
    }

    /// <summary>
    /// Whether the results of pending steps must be read back now: a buffer is full, or validation, a checkpoint, the end or a cancellation
    /// is due.
    /// </summary>
    private bool IsReadDue(CancellationToken cancellation) => _unread >= _steps.Capacity || _state.Step >= Steps || IsValidationDue
        || IsCheckpointDue
        || cancellation.IsCancellationRequested;

    /// <summary>Waits for the steps since the last call, reports them and returns their rows.</summary>
    /// <exception cref="RunException">A loss or gradient norm is not finite.</exception>
    private List<MetricsRow> ReadSteps(ITrainingObserver? observer)
    {
        var rows = new List<MetricsRow>();
        IReadOnlyList<StepResult> results = _steps.Read();
        double seconds = Stopwatch.GetElapsedTime(_unreadSince).TotalSeconds / Math.Max(1, _unread);
        _unread = 0;
        foreach (StepResult result in results)
        {
            RequireLabels(result);
            RequireFinite(result.Loss, result.Step, "loss");
            RequireFinite(result.GradientNorm, result.Step, "gradient norm");
            _state = _state with { Loss = result.Loss, LearningRate = result.LearningRate };
            _speed.Add(result.Images, seconds);
            rows.Add(Row(result.Step));
            observer?.OnStep(new StepReport(result.Step, Steps, Epoch(result.Step), Epoch(Steps), result.Loss, result.LearningRate,
                result.GradientNorm, result.MeanIoU, result.Images, _speed.ImagesPerSecond, Remaining(result.Step)));
        }
        return rows;
    }

    private MetricsRow Row(int step) => new(step, Epoch(step), _state.Loss, _state.LearningRate, null, null, _speed.ImagesPerSecond);

    private void RequireLabels(StepResult result)
    {
        if (result.LabelsOfNoClass == 0)
            return;
        // The exception already reports them, so later readers of the device's counter must not see them again.
        InvalidLabels.Counter(Model.Device).Clear();
        string pixels = result.LabelsOfNoClass == 1 ? "1 pixel has a label" : $"{result.LabelsOfNoClass} pixels have labels";
        throw new RunException($"{pixels} of no class", $"from 0 to {Model.Classes - 1}, or {ConfusionMatrix.Ignore} to ignore",
            $"step {result.Step}", "check the masks and the class map");
    }

    private void RequireFinite(double value, int step, string name)
    {
        if (double.IsFinite(value))
            return;
        string kept = Folder.HasCheckpoint ? $"the last good checkpoint stays in {Folder.LastPath}" : "no checkpoint had been written yet";
        throw new RunException($"the {name} is {(double.IsNaN(value) ? "not a number" : "infinite")}; {kept}", place: $"step {step}",
            remedy: SmallerSteps);
    }

    /// <summary>Validates the model; returns null, with nothing changed, if it was cancelled.</summary>
    private ValidationReport? Validate(CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            (Evaluation evaluation, double loss) = Evaluator.Evaluate(_predictor, _validation!, _loss, cancellation: cancellation);
            // Finite weights can be so large that the output is not finite. Such a network must become neither best nor last checkpoint.
            RequireFinite(loss, _state.Step, "validation loss");
            _trained ??= [.. TrainingSet?.PixelShares().Select(share => share > 0) ?? evaluation.ClassNames.Select(_ => true)];
            double meanIoU = evaluation.Confusion.MeanIoUOver(_trained);
            ValidationHistory history = _state.History.With(meanIoU, _state.Step, Options.PlateauPatience);
            _state = _state with { History = history, ValidatedStep = _state.Step };
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            _speed.AddValidation(elapsed.TotalSeconds);
            return new ValidationReport(_state.Step, loss, evaluation, history.BestStep == _state.Step, elapsed, meanIoU,
                evaluation.NoteOf(_trained));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private void Save(MetricsLog log, bool isBest)
    {
        // Check the optimiser state too: the square of a large gradient overflows to infinity in float32, and its parameter would never
        // change again.
        List<(string Name, Tensor Value)> state = [.. StateDict.State(Model),
            .. _optimizer.State().Select(named => (named.Key, named.Value))];
        if (GradientNorm.FirstNotFinite([.. state.Select(entry => entry.Value)]) is >= 0 and int bad)
        {
            throw new RunException($"{state[bad].Name} holds numbers that are not finite; the checkpoint before stays",
                place: $"step {_state.Step}", remedy: SmallerSteps);
        }
        log.FlushToDisk();
        _checkpoints.Save(_state, isBest);
    }

    private TimeSpan Remaining(int step)
    {
        int steps = Steps - step;
        int validations = _validation is null ? 0 : 1 + (Options.ValidateEvery > 0 ? steps / Options.ValidateEvery : 0);
        return TimeSpan.FromSeconds(steps * _speed.SecondsPerStep + validations * _speed.SecondsPerValidation);
    }

    /// <summary>Stops the batch source, frees the memory of the steps and unlocks the folder; the model is not disposed.</summary>
    public void Dispose()
    {
        _lock?.Dispose();
        _batches.Dispose();
        _steps.Dispose();
        _predictor.Dispose();
        _arena.Dispose();
    }

    /// <summary>Moving averages of the times per step and per validation.</summary>
    private sealed class SpeedMeter
    {
        private const double Memory = 20;
        private int _steps;
        private double _imagesPerStep;

        public double SecondsPerStep { get; private set; }

        public double SecondsPerValidation { get; private set; }

        public double ImagesPerSecond => SecondsPerStep == 0 ? 0 : _imagesPerStep / SecondsPerStep;

        public void Add(int images, double seconds)
        {
            _steps++;
            _imagesPerStep = images;
            // The first step also compiles kernels and allocates memory, which would distort the average for a long time.
            SecondsPerStep = _steps <= 2 ? seconds : SecondsPerStep + (seconds - SecondsPerStep) / Math.Min(_steps, Memory);
        }

        public void AddValidation(double seconds) => SecondsPerValidation = seconds;
    }
}
