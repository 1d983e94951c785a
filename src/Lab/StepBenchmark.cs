using System.Diagnostics;
using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Lab;

/// <summary>
/// Times training steps on random images. On a CUDA device they are those of a training, inputs and recorded graph included, and a time
/// ends when the device is done.
/// </summary>
public sealed class StepBenchmark(ModelOptions options, int batch, ExecutionOptions execution, Precision precision) : IBatchSource
{
    private readonly SegmentationModel _model = Create(options, precision);
    private readonly StepArena _arena = new();
    private readonly SegmentationLoss _loss = new();
    private readonly Device _device = execution.Device;
    private Optimizer _optimizer = null!;
    private TrainingStep? _deviceSteps;
    private Tensor _images = null!;
    private Tensor _labels = null!;
    private uint _step;

    /// <summary>Measures.</summary>
    /// <param name="repeats">Timed steps, after the warm-up.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    public StepMeasurement Run(int repeats, CancellationToken cancellation)
    {
        Prepare();
        // The first step allocates, the second runs in memory that is there and may be recorded; the third is as every later one.
        for (int i = 0; i < 2; i++)
            Step();
        _deviceSteps?.Read();
        var steps = new List<TimeSpan>();
        var peaks = new List<double>();
        for (int i = 0; i < repeats; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            // Alternated with the steps, so that a machine shared with others is judged by what it had to give at the time.
            peaks.Add(_device.Kind == DeviceKind.Cpu ? FmaPeak.Measure() : 0);
            steps.Add(Time(Step));
            _deviceSteps?.Read();
        }
        TracedStep traced = Trace();
        cancellation.ThrowIfCancellationRequested();
        _model.Eval();
        Infer();
        TimeSpan inference = Median([.. Enumerable.Range(0, Math.Max(3, repeats)).Select(_ => Time(Infer))]);
        using var process = Process.GetCurrentProcess();
        return new StepMeasurement(
            Median(steps), steps, inference, _model.ParameterCount, traced.Operators.Sum(share => share.MultiplyAdds),
            peaks.Order().ElementAt(peaks.Count / 2), _arena.ReservedBytes, process.PeakWorkingSet64, traced, TimeData());
    }

    /// <summary>
    /// One training step of a network of zeros on black images, for what it calls and launches: only labels decide what a kernel accesses.
    /// </summary>
    public static void RunOnce(ModelOptions options, int batch, Device device, Precision precision)
    {
        using var benchmark = new StepBenchmark(options, batch, new ExecutionOptions { Device = device, UsesGraph = false }, precision);
        benchmark.Prepare(random: false);
        benchmark.EagerStep();
        if (device.Kind == DeviceKind.Cuda)
            CudaDevice.Get(device).Synchronize();
    }

    private static SegmentationModel Create(ModelOptions options, Precision precision)
    {
        SegmentationModel model = options.Create();
        model.Precision = precision;
        return model;
    }

    private void Prepare(bool random = true)
    {
        if (random)
            _model.Initialize(0);
        else
            _model.Allocate();
        _model.To(_device);
        _model.Train();
        _optimizer = new TrainingOptions().CreateOptimizer(_model);
        _images = Tensor.Zeros([batch, options.Height, options.Width, 3]);
        _labels = Tensor.Empty([batch, options.Height, options.Width], DType.UInt8);
        if (random)
        {
            var pixels = new RandomKey(0, 0, 0);
            Span<float> values = _images.AsSpan<float>();
            for (int i = 0; i < values.Length; i++)
                values[i] = (float)pixels.Normal((ulong)i);
        }
        var classes = new RandomKey(0, 0, 1);
        Span<byte> labels = _labels.AsSpan<byte>();
        for (int i = 0; i < labels.Length; i++)
            labels[i] = (byte)classes.Integer((ulong)i, options.Classes);
        if (_device.Kind == DeviceKind.Cuda)
            _deviceSteps = TrainingStep.Create(new TrainingState(new TrainingOptions(), _model, _loss, _optimizer, _arena),
                execution with { StepsPerRead = 2 });
    }

    int IBatchSource.StepsPerEpoch => 1;

    Batch IBatchSource.GetBatch(int step) => new(_images, _labels);

    private void Step()
    {
        if (_deviceSteps is null)
            EagerStep();
        else
            _deviceSteps.Run(this, (int)_step++, _optimizer.LearningRate);
    }

    // Launch by launch: a graph has no operators.
    private TracedStep Trace()
    {
        using var launches = new LaunchTrace();
        using var operators = new OperatorTrace(_model.LayerNames());
        (TimeSpan forward, TimeSpan backward, TimeSpan update) = EagerStep();
        return new TracedStep(
            forward, backward, update, TraceShare.ByOperator(operators), TraceShare.ByLayer(operators), launches.Entries.Count);
    }

    private (TimeSpan Forward, TimeSpan Backward, TimeSpan Update) EagerStep()
    {
        using StepArena.StepScope scope = _arena.BeginStep();
        TrainingPass pass = null!;
        TimeSpan forward = Time(() => pass = TrainingPass.Run(_model, _loss, _images.To(_device), _labels.To(_device), seed: 0, _step++));
        return (forward, Time(() => pass.Loss.Backward()), Time(_optimizer.Step));
    }

    private TimeSpan TimeData()
    {
        const int warmUps = 2, batches = 8;
        MicrographDataset images = SyntheticMicrographs.CreateDataset(
            "train", 4, Math.Max(2 * options.Height, SyntheticMicrographs.SmallestSize),
            Math.Max(2 * options.Width, SyntheticMicrographs.SmallestSize), seed: 0);
        using var loader = new BatchLoader(images, new BatchOptions(batch, options.Height, options.Width, Seed: 0) { Prefetch = 1 });
        for (int step = 0; step < warmUps; step++)
            loader.GetBatch(step);
        return Time(() =>
        {
            for (int step = warmUps; step < warmUps + batches; step++)
                loader.GetBatch(step);
        }) / batches;
    }

    private void Infer()
    {
        using StepArena.StepScope scope = _arena.BeginStep();
        using NoGrad noGrad = NoGrad.Begin();
        _model.Forward(new Variable(_images.To(_device)));
    }

    private TimeSpan Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        if (_device.Kind == DeviceKind.Cuda)
            CudaDevice.Get(_device).Synchronize();
        return Stopwatch.GetElapsedTime(start);
    }

    private static TimeSpan Median(IReadOnlyList<TimeSpan> times) => times.Order().ElementAt(times.Count / 2);

    /// <inheritdoc />
    public void Dispose()
    {
        _deviceSteps?.Dispose();
        _arena.Dispose();
    }
}
