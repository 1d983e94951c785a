using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// The forward pass of a training step. Every step is this pass, <c>Loss.Backward()</c>, and an update with the gradients that the backward
/// pass leaves in the network's parameters.
/// </summary>
/// <param name="Logits">The network's output (B, H, W, classes); it can still be read after the backward pass.</param>
/// <param name="Loss">The loss, a scalar.</param>
public sealed record TrainingPass(Variable Logits, Variable Loss)
{
    /// <summary>
    /// Runs the forward pass in training mode, with the random numbers of this step; clears the gradients of the previous step.
    /// </summary>
    /// <param name="model">The network.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="images">Images (B, H, W, 3) of the model's element type, on its device.</param>
    /// <param name="labels">Labels (B, H, W), uint8, int32 or int64, on its device.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="step">Steps completed before; with the seed it determines the random numbers of DropPath.</param>
    /// <exception cref="Kernels.ShapeException">The images or labels do not match the network.</exception>
    public static TrainingPass Run(SegmentationModel model, SegmentationLoss loss, Tensor images, Tensor labels, ulong seed, uint step)
    {
        model.Train();
        model.SetRandomKey(seed, step);
        model.ClearGradients();
        Variable logits = model.Forward(new Variable(images)).Keep();
        return new TrainingPass(logits, loss.Apply(logits, labels));
    }
}
