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
/// Training steps on a CUDA device. The first step of a shape launches its kernels one by one. The second step is captured as a CUDA graph,
/// from the forward pass to the update; it and all later steps launch that graph. Whatever changes between steps is therefore in device
/// memory at fixed addresses: the batch and the settings of the update (<see cref="StagedInputs"/>), the step number of the random numbers
/// (<see cref="CudaRandom"/>), and the record of the step's results. A copy of each record is kept until it is read back.
/// </summary>
/// <remarks>
/// The temporaries of the captured step are blocks of the step arena. The first step allocated all the blocks that the capture needs. They
/// stay allocated as long as the arena lives. Data that others put into these blocks between two steps is lost when the next step begins.
/// </remarks>
internal sealed class DeviceStep : TrainingStep
{
    // A record in 64-bit words: loss and count of gradients that are not finite; norm and clipping factor; then the confusion counts.
    private const int Header = 2;

    private readonly TrainingState _state;
    private readonly CudaDevice _device;
    private readonly bool _usesGraph;
    private readonly int _classes;
    private readonly List<StepResult> _pending = [];
    private readonly Tensor _record, _records;
    private StagedInputs? _inputs;
    private CudaGraphExec? _graph;
    // Held here as well: the captured launches keep reading this table after the optimiser has created another.
    private TensorTable? _parameters;
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
        // The previous step may have run on another thread.
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

    /// <summary>Enqueues the step, from the inputs to the weights and the record. The step number selects the random numbers.</summary>
    private void Compute(StagedInputs inputs, int step)
    {
        (Variable logits, Variable output) = TrainingPass.Run(
            _state.Model, _state.Loss, inputs.Images, inputs.Labels, _state.Options.Seed, (uint)step);
        output.Backward();
        Tensor lossAndCount = _record.Slice(0, 1).Reinterpret([2], DType.Float32),
            norm = _record.Slice(1, 1).Reinterpret([2], DType.Float32);
        _parameters = _state.Optimizer.Enqueue(inputs.Settings, _state.Options.ClipNorm, norm, lossAndCount.Slice(1, 1));
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
        // Waits for the device, which may still be running the graph.
        _inputs?.Dispose();
        _graph?.Dispose();
        _graph = null;
        _inputs = null;
        _hasRun = false;
    }

    /// <inheritdoc />
    public override void Dispose() => Release();
}
