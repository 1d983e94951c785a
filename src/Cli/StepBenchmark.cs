using System.Diagnostics;
using CsUnet.Autograd;
using CsUnet.Cli.Display;
using CsUnet.Data;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Models;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>What a step benchmark measured. Times are medians.</summary>
/// <param name="Step">A training step: forward, loss, backward, optimiser.</param>
/// <param name="Steps">Each timed step.</param>
/// <param name="Inference">A forward pass in evaluation mode without a tape.</param>
/// <param name="Parameters">Trained numbers.</param>
/// <param name="MultiplyAdds">Multiply-adds of one forward pass: matrix products, convolutions, attention.</param>
/// <param name="PeakGflops">The processor's fused multiply-add limit, measured between the steps; 0 if it did not do them.</param>
/// <param name="ArenaBytes">What the step arena holds.</param>
/// <param name="PeakWorkingSet">The most memory that the process had at once, in bytes.</param>
/// <param name="Traced">One step more, launch by launch, with what each part of it took.</param>
/// <param name="Data">What one thread needs to cut and augment a batch; in training it does so while a step runs.</param>
internal sealed record StepMeasurement(
    TimeSpan Step, IReadOnlyList<TimeSpan> Steps, TimeSpan Inference, long Parameters, long MultiplyAdds, double PeakGflops, long ArenaBytes,
    long PeakWorkingSet, TracedStep Traced, TimeSpan Data)
{
    /// <summary>FLOPs of a training step: two per multiply-add, and the backward pass twice the forward's.</summary>
    public double StepFlops => 3.0 * 2 * MultiplyAdds;

    /// <summary>The step's rate over the machine's limit.</summary>
    public double FmaPeakShare => StepFlops / Step.TotalSeconds / (PeakGflops * 1e9);
}

/// <summary>A step whose operators were timed one by one.</summary>
/// <param name="Forward">Inputs, forward pass and loss.</param>
/// <param name="Backward">The backward pass.</param>
/// <param name="Update">The optimiser.</param>
/// <param name="Operators">Its operators.</param>
/// <param name="Layers">Its layers.</param>
/// <param name="Launches">Kernels launched; 0 on the processor.</param>
internal sealed record TracedStep(
    TimeSpan Forward, TimeSpan Backward, TimeSpan Update, IReadOnlyList<TraceShare> Operators, IReadOnlyList<TraceShare> Layers, int Launches)
{
    /// <summary>The time of the step.</summary>
    public TimeSpan Total => Forward + Backward + Update;
}

/// <summary>
/// Times training steps on random images. On a CUDA device they are those of a training, inputs and recorded graph included, and a time
/// ends when the device is done.
/// </summary>
internal sealed class StepBenchmark(CsUnetOptions options, int batch, ExecutionOptions execution, Precision precision) : IBatchSource
{
    private readonly CsUnetModel _model = new(options) { Precision = precision };
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
            Median(steps), steps, inference, _model.ParameterCount, traced.Operators.Sum(share => share.MultiplyAdds), peaks.Order().ElementAt(peaks.Count / 2),
            _arena.ReservedBytes, process.PeakWorkingSet64, traced, TimeData());
    }

    /// <summary>One training step from new weights, for counting what it launches.</summary>
    /// <returns>Bytes of the step's activations.</returns>
    public static long RunOnce(CsUnetOptions options, int batch, Device device, Precision precision)
    {
        using var benchmark = new StepBenchmark(options, batch, new ExecutionOptions { Device = device, UsesGraph = false }, precision);
        benchmark.Prepare();
        benchmark.EagerStep();
        CudaDevice.Get(device).Synchronize();
        return benchmark._arena.ReservedBytes;
    }

    private void Prepare()
    {
        _model.Initialize(0);
        _model.To(_device);
        _model.Train();
        _optimizer = Optimizer.Create(new TrainingOptions(), _model);
        _images = Tensor.Empty([batch, options.Height, options.Width, 3]);
        _labels = Tensor.Empty([batch, options.Height, options.Width], DType.UInt8);
        var pixels = new RandomKey(0, 0, 0);
        Span<float> values = _images.AsSpan<float>();
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)pixels.Normal((ulong)i);
        var classes = new RandomKey(0, 0, 1);
        Span<byte> labels = _labels.AsSpan<byte>();
        for (int i = 0; i < labels.Length; i++)
            labels[i] = (byte)classes.Integer((ulong)i, options.Classes);
        if (_device.Kind == DeviceKind.Cuda)
            _deviceSteps = TrainingStep.Create(new StepParts(new TrainingOptions(), _model, _loss, _optimizer, _arena), execution with { StepsPerRead = 2 });
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
        _model.SetRandomKey(0, _step++);
        _model.ClearGradients();
        Variable loss = null!;
        TimeSpan forward = Time(() => loss = _loss.Apply(_model.Forward(new Variable(_images.To(_device))), _labels.To(_device)));
        return (forward, Time(() => loss.Backward()), Time(_optimizer.Step));
    }

    private TimeSpan TimeData()
    {
        const int warmUps = 2, batches = 8;
        MicrographDataset images = SyntheticMicrographs.CreateDataset(
            "train", 4, Math.Max(2 * options.Height, SyntheticMicrographs.SmallestSize), Math.Max(2 * options.Width, SyntheticMicrographs.SmallestSize), seed: 0);
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

    public void Dispose()
    {
        _deviceSteps?.Dispose();
        _arena.Dispose();
    }
}
