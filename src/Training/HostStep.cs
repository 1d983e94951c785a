using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>Training steps on the CPU.</summary>
internal sealed class HostStep(TrainingState state) : TrainingStep
{
    private readonly List<StepResult> _results = [];

    /// <inheritdoc />
    public override void Run(IBatchSource batches, int step, double learningRate)
    {
        (TrainingOptions options, SegmentationModel model, SegmentationLoss loss, Optimizer optimizer, StepArena arena) = state;
        using (StepArena.StepScope scope = arena.BeginStep())
        {
            Batch batch = batches.GetBatch(step);
            (Variable logits, Variable output) = TrainingPass.Run(
                model, loss, batch.Images.To(model.DType), batch.Labels, options.Seed, (uint)step);
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
