using System.Runtime.InteropServices;
using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// Training steps on a CUDA device. Whatever changes from step to step is in device memory at fixed addresses: the batch, the settings of
/// the update, and the record of what the step found.
/// </summary>
internal sealed class DeviceStep : TrainingStep
{
    // Per step, in 64-bit words: loss and number of gradients that are not finite; norm and clipping factor; then the confusion counts.
    private const int Header = 2;

    private readonly StepParts _parts;
    private readonly Device _device;
    private readonly int _classes;
    private readonly List<StepResult> _pending = [];
    private readonly Tensor _record, _records;
    private Tensor? _images, _labels, _settings;

    public DeviceStep(StepParts parts)
    {
        _parts = parts;
        _device = parts.Model.Device;
        _classes = parts.Model.Classes;
        using StepArena.PersistentScope scope = StepArena.Suspend();
        _record = Tensor.Zeros([Header + _classes * _classes + 1], DType.Int64, _device);
        _records = Tensor.Zeros([Capacity, (int)_record.Count], DType.Int64, _device);
    }

    /// <inheritdoc />
    public override void Run(IBatchSource batches, int step, double learningRate)
    {
        _parts.Optimizer.LearningRate = learningRate;
        using StepArena.StepScope scope = _parts.Arena.BeginStep();
        Batch batch = batches.GetBatch(step);
        Put(ref _images, batch.Images);
        Put(ref _labels, batch.Labels);
        float[] settings = _parts.Optimizer.Advance();
        Put(ref _settings, Tensor.From(settings, [settings.Length]));
        _parts.Model.Train();
        _parts.Model.SetRandomKey(_parts.Options.Seed, (uint)step);
        Compute();
        _records.Slice(_pending.Count, 1).CopyFrom(_record);
        _pending.Add(new StepResult(step + 1, learningRate, batch.Images.Shape[0], double.NaN, double.NaN, 0));
    }

    /// <summary>Copies to memory that stays where it is as long as the shape does.</summary>
    private void Put(ref Tensor? target, Tensor source)
    {
        if (target?.Shape != source.Shape)
        {
            using StepArena.PersistentScope scope = StepArena.Suspend();
            target = Tensor.Empty(source.Shape, source.DType, _device);
        }
        target.CopyFrom(source);
    }

    /// <summary>Enqueues the step: from the batch and the settings to the weights and the record.</summary>
    private void Compute()
    {
        _parts.Model.ClearGradients();
        Variable logits = _parts.Model.Forward(new Variable(_images!)).Keep();
        Variable output = _parts.Loss.Apply(logits, _labels!);
        output.Backward();
        TensorTable gradients = _parts.Optimizer.Table();
        Tensor norm = _record.Slice(1, 1).Reinterpret([2], DType.Float32), lossAndCount = _record.Slice(0, 1).Reinterpret([2], DType.Float32);
        GradientNorm.Enqueue(gradients, _parts.Options.ClipNorm, norm, lossAndCount.Slice(1, 1));
        _parts.Optimizer.Update(gradients, _settings!, _parts.Options.ClipNorm > 0 ? norm.Slice(1, 1) : null);
        lossAndCount.Slice(0, 1).CopyFrom(output.Value);
        Tensor counts = _record.Slice(Header, _classes * _classes + 1);
        counts.Clear();
        Confusion.Add(_labels!, Argmax.Run(logits.Value), counts, ConfusionMatrix.Ignore);
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
        if (record[^1] > 0)
            throw new RunException($"step {pending.Step}: {record[^1]} pixels have labels of no class, expected from 0 to {_classes - 1}, "
                + $"or {ConfusionMatrix.Ignore} to ignore; check the masks and the class map");
        return pending with
        {
            // Finite gradients can have a norm that float32 does not hold: that is an error all the same.
            Loss = numbers[0], GradientNorm = notFinite > 0 && float.IsFinite(numbers[2]) ? double.NaN : numbers[2],
            MeanIoU = new ConfusionMatrix(_classes, record[Header..^1]).MeanIoU,
        };
    }
}
