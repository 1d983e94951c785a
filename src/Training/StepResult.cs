using CsUnet.Kernels;

namespace CsUnet.Training;

/// <summary>What one step found.</summary>
/// <param name="Step">Steps done, this one included.</param>
/// <param name="LearningRate">The learning rate that it used.</param>
/// <param name="Images">Images of its batch.</param>
/// <param name="Loss">The loss of its batch.</param>
/// <param name="GradientNorm">The L2 norm of all gradients, before clipping; not a number if the loss is not finite.</param>
/// <param name="MeanIoU">Mean IoU of its batch under the network in training mode.</param>
/// <param name="LabelsOfNoClass">Pixels of its batch with labels that are no class; on the processor the loss throws at once
/// instead.</param>
public sealed record StepResult(
    int Step, double LearningRate, int Images, double Loss, double GradientNorm, double MeanIoU, long LabelsOfNoClass);
