using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Models;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>What one step found.</summary>
/// <param name="Step">Steps done, this one included.</param>
/// <param name="LearningRate">The learning rate that it used.</param>
/// <param name="Images">Images of its batch.</param>
/// <param name="Loss">The loss of its batch.</param>
/// <param name="GradientNorm">The L2 norm of all gradients, before clipping; not a number if the loss is not finite.</param>
/// <param name="MeanIoU">Mean IoU of its batch under the network in training mode.</param>
/// <param name="LabelsOfNoClass">Pixels of its batch with labels that are no class; on the processor the loss throws at once instead.</param>
public sealed record StepResult(
    int Step, double LearningRate, int Images, double Loss, double GradientNorm, double MeanIoU, long LabelsOfNoClass);

/// <summary>What a training step works on.</summary>
/// <param name="Options">The run's options.</param>
/// <param name="Model">The network.</param>
/// <param name="Loss">The loss.</param>
/// <param name="Optimizer">The optimiser of the network's parameters.</param>
/// <param name="Arena">The memory of a step's temporaries.</param>
public sealed record StepParts(TrainingOptions Options, SegmentationModel Model, SegmentationLoss Loss, Optimizer Optimizer, StepArena Arena);

/// <summary>Training steps on the model's device: batch, forward, loss, backward, clipping, update.</summary>
public abstract class TrainingStep : IDisposable
{
    /// <summary>The steps for the device that the model is on.</summary>
    /// <param name="parts">The model and what trains it.</param>
    /// <param name="execution">How a device computes.</param>
    public static TrainingStep Create(StepParts parts, ExecutionOptions execution) =>
        parts.Model.Device.Kind == DeviceKind.Cuda ? new DeviceStep(parts, execution) : new HostStep(parts);

    /// <summary>Most steps that may be run before they are read.</summary>
    public virtual int Capacity => 1;

    /// <summary>How many steps were launched as a recorded CUDA graph.</summary>
    public virtual int Replays { get; protected set; }

    /// <summary>Runs a step, or makes a device begin with it.</summary>
    /// <param name="batches">Where its batch comes from.</param>
    /// <param name="step">Steps done before.</param>
    /// <param name="learningRate">Its learning rate.</param>
    public abstract void Run(IBatchSource batches, int step, double learningRate);

    /// <summary>
    /// Waits until all steps are done, and returns what those since the last call found, in order. After a step whose loss or gradient norm
    /// is not finite the weights are lost on a device; on the processor those from before it are left.
    /// </summary>
    public abstract IReadOnlyList<StepResult> Read();

    /// <summary>Frees what the steps hold besides the arena.</summary>
    public virtual void Dispose()
    {
    }
}

/// <summary>Training steps on the processor.</summary>
internal sealed class HostStep(StepParts parts) : TrainingStep
{
    private readonly List<StepResult> _results = [];

    /// <inheritdoc />
    public override void Run(IBatchSource batches, int step, double learningRate)
    {
        (TrainingOptions options, SegmentationModel model, SegmentationLoss loss, Optimizer optimizer, StepArena arena) = parts;
        using (StepArena.StepScope scope = arena.BeginStep())
        {
            Batch batch = batches.GetBatch(step);
            model.Train();
            model.SetRandomKey(options.Seed, (uint)step);
            model.ClearGradients();
            Variable logits = model.Forward(new Variable(batch.Images.To(model.DType))).Keep();
            Variable output = loss.Apply(logits, batch.Labels);
            var result = new StepResult(step + 1, learningRate, batch.Images.Shape[0], output.Value[0], double.NaN, 0, 0);
            if (double.IsFinite(result.Loss))
            {
                output.Backward();
                IReadOnlyList<Tensor> gradients = optimizer.Gradients();
                result = result with { GradientNorm = GradientNorm.Of(gradients) };
                if (options.ClipNorm > 0 && double.IsFinite(result.GradientNorm))
                    GradientNorm.Clip(gradients, result.GradientNorm, options.ClipNorm);
                var confusion = new ConfusionMatrix(model.Classes);
                confusion.Add(batch.Labels, Argmax.Run(logits.Value));
                result = result with { MeanIoU = confusion.MeanIoU };
            }
            _results.Add(result);
            if (!double.IsFinite(result.GradientNorm))
                return;
        }
        optimizer.LearningRate = learningRate;
        optimizer.Step();
    }

    /// <inheritdoc />
    public override IReadOnlyList<StepResult> Read()
    {
        StepResult[] results = [.. _results];
        _results.Clear();
        return results;
    }
}
