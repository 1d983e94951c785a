using System.Runtime.InteropServices;
using CsUnet.Autograd;
using CsUnet.Cuda;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Models.Networks;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// Training steps on a CUDA device. The first step of a shape runs launch by launch; the second is recorded, from the forward pass to the
/// update, and it and all later ones are launched as one graph. Whatever changes from step to step is therefore in device memory at fixed
/// addresses: the batch and the settings of the update (<see cref="StagedInputs"/>), the step that random numbers are drawn for
/// (<see cref="CudaRandom"/>), and the record of what the step found, which is kept for every step until it is read back.
/// </summary>
/// <remarks>
/// The temporaries of the recorded step are blocks of the step arena. The first step left there all that the recording takes, they stay
/// allocated as long as the arena does, and what others put into them between two steps is gone when the next begins.
/// </remarks>
internal sealed class DeviceStep : TrainingStep
{
    // A record in 64-bit words: loss and number of gradients that are not finite; norm and clipping factor; then the confusion counts.
    private const int Header = 2;

    private readonly TrainingState _state;
    private readonly CudaDevice _device;
    private readonly bool _usesGraph;
    private readonly int _classes;
    private readonly List<StepResult> _pending = [];
    private readonly Tensor _record, _records;
    private StagedInputs? _inputs;
    private CudaGraphExec? _graph;
    // Held here too: recorded launches go on reading it when the optimiser has made another.
    private TensorTable? _gradients;
    private bool _hasRun;

    public DeviceStep(TrainingState state, ExecutionOptions execution)
    {
        _state = state;
        _device = CudaDevice.Get(state.Model.Device);
        _usesGraph = execution.UsesGraph;
        _classes = state.Model.Classes;
        Capacity = execution.StepsPerRead;
        using StepArena.PersistentScope scope = StepArena.Suspend();
        _record = Tensor.Zeros([Header + _classes * _classes + 1], DType.Int64, state.Model.Device);
        _records = Tensor.Zeros([Capacity, (int)_record.Count], DType.Int64, state.Model.Device);
    }

    /// <inheritdoc />
    public override int Capacity { get; }

    /// <inheritdoc />
    public override int Replays { get; protected set; }

    /// <inheritdoc />
    public override void Run(IBatchSource batches, int step, double learningRate)
    {
        if (_pending.Count == Capacity)
            throw new InvalidOperationException($"DeviceStep: {Capacity} steps were not read yet; call Read before the next");
        // This thread need not be the one of the step before.
        _device.Context.SetCurrent();
        _state.Optimizer.LearningRate = learningRate;
        float[] settings = _state.Optimizer.Advance();
        using StepArena.StepScope scope = _state.Arena.BeginStep();
        Batch batch = batches.GetBatch(step);
        if (_inputs is null || !_inputs.Fits(batch))
        {
            Release();
            _inputs = new StagedInputs(_state.Model.Device, batch, settings.Length);
        }
        _inputs.Upload(batch, settings);
        CudaRandom.SetStep(_state.Model.Device, (uint)step);
        if (_usesGraph && _hasRun)
        {
            _graph ??= _device.Record(() => Compute(_inputs, step));
            _graph.Launch(_device.Stream);
            Replays++;
        }
        else
        {
            Compute(_inputs, step);
            _hasRun = true;
        }
        _records.Slice(_pending.Count, 1).CopyFrom(_record);
        _pending.Add(new StepResult(step + 1, learningRate, batch.Images.Shape[0], double.NaN, double.NaN, 0, 0));
    }

    /// <summary>
    /// Enqueues the step, from the inputs to the weights and the record; the step's number is that of the random numbers.
    /// </summary>
    private void Compute(StagedInputs inputs, int step)
    {
        (Variable logits, Variable output) = TrainingPass.Run(
            _state.Model, _state.Loss, inputs.Images, inputs.Labels, _state.Options.Seed, (uint)step);
        output.Backward();
        _gradients = _state.Optimizer.Table();
        Tensor lossAndCount = _record.Slice(0, 1).Reinterpret([2], DType.Float32),
            norm = _record.Slice(1, 1).Reinterpret([2], DType.Float32);
        GradientNorm.Enqueue(_gradients, _state.Options.ClipNorm, norm, lossAndCount.Slice(1, 1));
        _state.Optimizer.Update(_gradients, inputs.Settings, _state.Options.ClipNorm > 0 ? norm.Slice(1, 1) : null);
        lossAndCount.Slice(0, 1).CopyFrom(output.Value);
        Tensor counts = _record.Slice(Header, _classes * _classes + 1);
        counts.Clear();
        Confusion.Add(inputs.Labels, Argmax.Run(logits.Value), counts, ConfusionMatrix.Ignore);
    }

    /// <inheritdoc />
    public override IReadOnlyList<StepResult> Read()
    {
        if (_pending.Count == 0)
            return [];
        Tensor records = _records.Slice(0, _pending.Count).To(Device.Cpu);
        int words = (int)_record.Count;
        StepResult[] results = [.. _pending.Select((pending, i) => Parse(pending, records.AsSpan<long>().Slice(i * words, words)))];
        _pending.Clear();
        GC.KeepAlive(records);
        return results;
    }

    private StepResult Parse(StepResult pending, ReadOnlySpan<long> record)
    {
        ReadOnlySpan<float> numbers = MemoryMarshal.Cast<long, float>(record[..Header]);
        int notFinite = MemoryMarshal.Cast<long, int>(record[..Header])[1];
        return pending with
        {
            Loss = numbers[0], GradientNorm = notFinite > 0 && float.IsFinite(numbers[2]) ? double.NaN : numbers[2],
            MeanIoU = new ConfusionMatrix(_classes, record[Header..^1]).MeanIoU, LabelsOfNoClass = record[^1],
        };
    }

    private void Release()
    {
        // Waits for the device: the graph may still be running.
        _inputs?.Dispose();
        _graph?.Dispose();
        _graph = null;
        _inputs = null;
        _hasRun = false;
    }

    /// <inheritdoc />
    public override void Dispose() => Release();
}
