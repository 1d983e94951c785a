using System.Globalization;
using CsUnet.Cli.Display;
using CsUnet.Cli.Report;
using CsUnet.Data;
using CsUnet.Models.Networks;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>
/// One training call, new or resumed. It opens and checks the data before anything is written, trains with a display, and leaves the
/// record, the example images and the report in the run's folder.
/// </summary>
internal sealed class TrainingSession
{
    /// <summary>Number of validation images that the report shows.</summary>
    private const int Examples = 3;

    private readonly Terminal _terminal;
    private readonly DeviceSelection _device;
    private readonly ExecutionOptions _execution;
    private readonly MicrographDataset _train;
    private readonly MicrographDataset? _validation;
    private readonly DatasetTable? _dataset;

    private TrainingSession(
        Terminal terminal, TrainingOptions options, MicrographDataset train, MicrographDataset? validation, DatasetTable? dataset,
        DeviceSelection device, ExecutionOptions execution)
    {
        _dataset = dataset;
        _terminal = terminal;
        _device = device;
        _execution = execution with { Device = device.Device };
        Options = options;
        _train = train;
        _validation = validation;
    }

    public TrainingOptions Options { get; }

    /// <summary>Opens and checks the data and the network of the options.</summary>
    /// <param name="terminal">Where to report progress.</param>
    /// <param name="options">The run's options.</param>
    /// <param name="weighClasses">Whether to compute the class weights from the pixel shares of the training masks.</param>
    /// <param name="device">The device to train on.</param>
    /// <param name="execution">How to train on it.</param>
    /// <param name="runClasses">The class map of a resumed run; null: the one of the options.</param>
    /// <param name="intensity">The scale of the weights of a resumed run; null: found over the training images.</param>
    /// <param name="isResumed">Whether a run goes on, which has its pretrained weights already.</param>
    /// <exception cref="UsageException">The options do not fit the data, the device or each other.</exception>
    public static TrainingSession Open(
        Terminal terminal, TrainingOptions options, bool weighClasses, DeviceSelection device, ExecutionOptions execution,
        ClassMap? runClasses = null, IntensityScale? intensity = null, bool isResumed = false)
    {
        Commands.CommandHelpers.RequirePrecision(options.Precision, device);
        if (options.Threads > 0)
            Workers.Count = Math.Min(options.Threads, Workers.Largest);
        try
        {
            ClassMap classMap = runClasses ?? RunData.ClassMap(options);
            // Refuse a network that cannot be built before reading a large data set.
            ModelOptions network = options.ModelOptions(classMap.Count);
            SegmentationModel empty = network.Create();
            if (options.Batch == 1 && options.Height == 32 && options.Width == 32)
            {
                throw new UsageException("the deepest features are then a single pixel, from which batch norm cannot compute statistics",
                    place: "--size 32 with --batch 1", remedy: "use a larger --size or --batch");
            }
            if (options.ClassWeights.Count > 0 && options.ClassWeights.Count != classMap.Count)
            {
                throw new UsageException(ProblemText.Count(options.ClassWeights.Count, "number"),
                    $"{classMap.Count}, one for each of {string.Join(", ", classMap.Classes.Select(entry => entry.Name))}",
                    "--class-weights");
            }
            MemoryNeed.RequireTraining(network, options, device.Device);
            // Reads all of them, to find damage before anything is written; the trainer reads them into its own network.
            if (!isResumed)
                CnnWeightsFile.Load(empty, options);
            (MicrographDataset train, MicrographDataset? validation, DatasetTable? dataset) =
                OpenData(terminal, options, classMap, intensity);
            ReadingNotes.Write(terminal, train, validation);
            if (weighClasses)
                options = options with { ClassWeights = Weights(train.PixelShares()) };
            return new TrainingSession(terminal, options, train, validation, dataset, device, execution);
        }
        catch (Exception failure) when (failure is RunException or InvalidValueException)
        {
            throw UsageException.From(failure);
        }
        catch (WeightFileException failure)
        {
            throw UsageException.From(failure, TrainingArguments.Name("cnn_weights"));
        }
    }

    /// <summary>
    /// Opens the data for training. Checks the test images too, so that the user sees all problems of a data set at once, and then the set
    /// as a whole.
    /// </summary>
    private static (MicrographDataset Train, MicrographDataset? Validation, DatasetTable? Dataset) OpenData(
        Terminal terminal, TrainingOptions options, ClassMap classMap, IntensityScale? intensity)
    {
        var problems = new List<DataException>();
        MicrographDataset? Open(Func<MicrographDataset?> open)
        {
            try
            {
                return open();
            }
            catch (DataException failure)
            {
                problems.AddRange(failure.Problems);
                return null;
            }
        }
        MicrographDataset? train = Open(() => RunData.Open(options, "train", intensity, classMap)),
            validation = Open(() => RunData.OpenValidation(options, train?.Intensity, classMap)), test = null;
        // Check test images only if they have annotations: training does not need them.
        if (!RunData.IsSynthetic(options) && Directory.Exists(Path.Combine(options.Data!, "test_annot")))
            test = Open(() => RunData.Open(options, "test", train?.Intensity, classMap));
        if (problems.Count > 0)
            throw DataException.Many(options.Data ?? "", problems);
        // The synthetic micrographs are the program's own.
        if (RunData.IsSynthetic(options))
            return (train!, validation, null);
        DatasetCheck check = DatasetCheck.Of(classMap, train!.Summary, validation?.Summary, test?.Summary);
        if (check.Problems.Count > 0)
            throw DataException.Many(options.Data ?? "", check.Problems);
        IntensityWarning.Write(terminal, train, validation, test);
        return (train, validation, check.Table);
    }

    /// <summary>Trains in a folder and returns the result.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="isResumed">Whether to continue from the folder's checkpoint.</param>
    /// <param name="command">The command line, for the record.</param>
    /// <param name="isDemo">
    /// Whether this is the demo, which continues by itself: next commands are shown only if the run was stopped.
    /// </param>
    /// <param name="changed">The keys of the options that a resumed run changes.</param>
    /// <exception cref="FailedWorkException">A file could not be read or written during the work.</exception>
    /// <exception cref="UsageException">The run cannot be resumed with these options or data.</exception>
    public TrainingResult Run(
        RunFolder folder, bool isResumed, string command, bool isDemo = false, IReadOnlyList<string>? changed = null) =>
        FailedWorkException.Guard(() => Work(folder, isResumed, command, isDemo, changed ?? []));

    private Trainer CreateTrainer(RunFolder folder, bool isResumed)
    {
        try
        {
            return isResumed
                ? Trainer.Resume(folder, Options, _train, _validation, _execution)
                : Trainer.Create(Options, folder, _train, _validation, _execution);
        }
        catch (RunException failure) when (failure is OptionException
            || failure.Fault is RunFault.OtherData or RunFault.FileLost or RunFault.FolderTaken)
        {
            throw UsageException.From(failure);
        }
    }

    private TrainingResult Work(RunFolder folder, bool isResumed, string command, bool isDemo, IReadOnlyList<string> changed)
    {
        using var interrupt = new Interrupt(_terminal);
        using Trainer trainer = CreateTrainer(folder, isResumed);
        if (_dataset is not null)
            DatasetCheckFile.Save(folder, _dataset);
        string? run = folder.LoadIdentity();
        string device = _device.Device.Kind == DeviceKind.Cpu ? RunRecord.Processor : _device.Description;
        var begun = new RunRecord { Command = command, Device = device, Run = run };
        RunRecord before = isResumed ? RunRecord.LoadOr(folder, () => begun, _terminal.Warn) : begun;
        if (before.Run != run)
        {
            _terminal.WriteLine($"note: {RunRecord.FileName} was written by another run; a new one begins");
            before = begun;
        }
        RunRecord record = before with
        {
            Device = device, Data = RunData.Describe(Options), Intensity = _train.IntensityText,
            CnnWeights = trainer.CnnWeights?.ToString() ?? before.CnnWeights,
            Parameters = trainer.Model.ParameterCount, Step = trainer.Step, Steps = trainer.Steps, Outcome = RunRecord.Running,
        };
        // The record only describes the run.
        if (Problem(() => record.Save(folder)) is { } unsaved)
            _terminal.Error.WriteLine($"warning: {unsaved.Message}; the training goes on");
        if (trainer.ChangedOptions.Union(changed).ToArray() is { Length: > 0 } others)
            _terminal.WriteLine($"changed from here on: {string.Join(", ", TrainingOptions.Keys.Where(others.Contains))}");
        Describe(trainer, isResumed);
        if (Options.Threads > Workers.Largest)
            _terminal.WriteLine($"note: the run asks for {Options.Threads} threads; {Workers.Largest} are used on "
                + ProblemText.Count(Environment.ProcessorCount, "logical core"));
        if (_dataset is not null)
        {
            DatasetDisplay.Write(_terminal, _dataset);
            DatasetDisplay.Warn(_terminal, _dataset.Warnings);
        }
        if (before.Device != device && trainer.Step > 0)
            _terminal.WriteLine(
                $"note: the previous steps ran on {before.Device}; devices round differently, so the result is not bit for bit "
                + "that of a run on one device");
        TrainingResult result = Train(trainer, folder, ref record, interrupt.Token);
        Conclude(folder, result);
        string? report = null;
        Exception?[] problems =
        [
            Problem(() => record.Save(folder)),
            result.Outcome == TrainingOutcome.Cancelled ? null : Problem(() => SaveExamples(trainer, folder, interrupt.Token)),
            Problem(() => report = RunReport.Write(folder, _terminal.Warn)),
        ];
        if (result.Outcome == TrainingOutcome.Cancelled || !isDemo)
        {
            if (report is not null)
                _terminal.WriteLine($"report:  {report}");
            NextSteps.Write(_terminal, result.Outcome == TrainingOutcome.Cancelled
                ? [($"{NextSteps.Program} train --resume --run {NextSteps.Quote(folder.Path)}", "go on where it stopped")]
                : NextSteps.AfterTraining(folder, isEvaluated: false));
        }
        Exception[] unwritten = [.. problems.OfType<Exception>()];
        if (unwritten.Length > 0)
        {
            throw new FailedWorkException(new RunException(
                $"the weights are saved, but not what describes them: {string.Join("; ", unwritten.Select(Reason))}",
                remedy: "'csunet evaluate' writes the report again"));
        }
        return result;
    }

    /// <summary>Runs an action; returns its failure, unless it is one that only a fault of the program explains.</summary>
    private static Exception? Problem(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception failure) when (Failures.IsExplained(failure) && failure is not OperationCanceledException)
        {
            return failure;
        }
    }

    private static string Reason(Exception failure) =>
        failure is IProblem problem ? ProblemText.Compose(problem.Place, problem.Problem) : failure.Message;

    private TrainingResult Train(Trainer trainer, RunFolder folder, ref RunRecord record, CancellationToken cancellation)
    {
        double before = record.Seconds;
        var display = new TrainingDisplay(_terminal);
        try
        {
            TrainingResult result = display.Run(() => trainer.Run(display, cancellation));
            record = record with
            {
                Seconds = before + result.Elapsed.TotalSeconds, Step = result.Step, BestMeanIoU = result.BestMeanIoU,
                    BestStep = result.BestStep,
                PeakBytes = result.PeakBytes, Outcome = OutcomeText(result.Outcome), LostOutput = _terminal.Loss,
            };
            return result;
        }
        catch (Exception first)
        {
            // A disk that is full fails twice. The first failure says what happened to the checkpoint.
            RunRecord failed = record with { Step = trainer.Step, Outcome = RunRecord.Failed, LostOutput = _terminal.Loss };
            if (Problem(() => failed.Save(folder)) is { } second)
                throw new FailedWorkException(first, second);
            throw;
        }
    }

    private void Describe(Trainer trainer, bool isResumed)
    {
        string images = $"{_train.Count} training {(_train.Count == 1 ? "image" : "images")}, "
            + (_validation is null ? "no validation images" : $"{_validation.Count} for validation");
        _terminal.WriteLine($"data: {RunData.Describe(Options)}; {images}; "
            + $"classes {string.Join(", ", _train.ClassMap.Classes.Select(entry => entry.Name))}");
        _terminal.WriteLine($"intensity: {_train.IntensityText}");
        _terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"model: {Options.Model}, {trainer.Model.ParameterCount:N0} parameters, input {Options.Height}x{Options.Width}, batch "
                + $"{Options.Batch}"));
        if (trainer.CnnWeights is { } weights)
            _terminal.WriteLine($"cnn weights: {weights.Report}");
        _terminal.WriteLine($"device: {Commands.CommandHelpers.Describe(_device, Options.Precision)}");
        MemoryNeed need = MemoryNeed.OfTraining(trainer.Model.Options, Options, _device.Device)
            .With(_train.MemoryBytes + (_validation?.MemoryBytes ?? 0));
        _terminal.WriteLine($"memory: about {ProblemText.Memory(need.Host)} of {ProblemText.Memory(MachineMemory.Limit())}"
            + (need.Device > 0 ? $", and {ProblemText.Memory(need.Device)} on the device" : ""));
        if (Options.ClassWeights.Count > 0)
            _terminal.WriteLine($"class weights: "
                + $"{string.Join(", ", Options.ClassWeights.Select(weight => weight.ToString(CultureInfo.InvariantCulture)))}");
        string already = isResumed ? $"continues after step {trainer.Step} of " : "";
        _terminal.WriteLine($"run: {trainer.Folder.Path}; {already}{trainer.Steps} steps, seed {Options.Seed}");
        if (trainer.Steps <= Options.WarmUp)
        {
            _terminal.WriteLine($"note: the warm-up takes {ProblemText.Count(Options.WarmUp, "step")}, the run only {trainer.Steps}: "
                + (trainer.Steps == Options.WarmUp ? "only its last step has" : "no step has")
                + " the whole learning rate; give a smaller --warm-up, or more --steps");
        }
        _terminal.Out.Flush();
    }

    private void SaveExamples(Trainer trainer, RunFolder folder, CancellationToken cancellation)
    {
        if (_validation is null)
            return;
        string examples = folder.File(RunReport.ExampleFolder);
        // The examples of an earlier call have the same names. Nothing is deleted: other files are not this run's.
        if (new DirectoryInfo(examples).LinkTarget is { } target)
        {
            _terminal.WriteLine($"note: {examples} is a link to {target}, which no run makes; no examples are written there");
            return;
        }
        int count = Math.Min(Examples, _validation.Count);
        using var predictor = trainer.CreatePredictor(Options.TileStride);
        for (int i = 0; i < count; i++)
        {
            // Take examples from the whole split: images with neighbouring names often show the same specimen.
            Sample sample = _validation[i * _validation.Count / count];
            Pictures.SaveExample(examples, sample, predictor.Predict(sample.Image, cancellation: cancellation).Labels, _train.ClassMap);
        }
    }

    private void Conclude(RunFolder folder, TrainingResult result)
    {
        string time = TrainingDisplay.Duration(result.Elapsed);
        _terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{OutcomeText(result.Outcome)} after step {result.Step}, {time}; peak memory of a step {result.PeakBytes / 1e6:F0} MB"));
        if (result.BestMeanIoU is { } best)
            _terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"best validation mean IoU {best:F4} at step {result.BestStep}"));
        _terminal.WriteLine($"weights: {folder.LastPath}{(File.Exists(folder.BestPath) ? $" and {folder.BestPath}" : "")}");
    }

    private static string OutcomeText(TrainingOutcome outcome) => outcome switch
    {
        TrainingOutcome.Completed => "completed",
        TrainingOutcome.StoppedEarly => "stopped early, validation no longer improved,",
        _ => "stopped",
    };

    /// <summary>
    /// Inverse square roots of the pixel shares, with mean 1: a class with a hundredth of another's pixels weighs ten times as much. Plain
    /// inverse shares would let a few pixels dominate the loss.
    /// </summary>
    internal static IReadOnlyList<double> Weights(IReadOnlyList<double> shares)
    {
        // A class without training pixels gets the weight of the rarest class that has some. It matters only if the class appears.
        double rarest = shares.Where(share => share > 0).Min();
        double[] raw = [.. shares.Select(share => 1 / Math.Sqrt(share > 0 ? share : rarest))];
        double mean = raw.Average();
        return [.. raw.Select(weight => Math.Round(weight / mean, 3))];
    }
}
