namespace CsUnet.Training;

/// <summary>The results of one step.</summary>
/// <param name="Step">Steps completed, including this one.</param>
/// <param name="LearningRate">The learning rate of the step.</param>
/// <param name="Images">Number of images in the batch.</param>
/// <param name="Loss">The loss of the batch.</param>
/// <param name="GradientNorm">The L2 norm of all gradients, before clipping; NaN if the loss is not finite.</param>
/// <param name="MeanIoU">Mean IoU of the batch, with the network in training mode.</param>
/// <param name="LabelsOfNoClass">Number of pixels whose label is not a class; on the CPU the loss throws immediately instead.</param>
public sealed record StepResult(
    int Step, double LearningRate, int Images, double Loss, double GradientNorm, double MeanIoU, long LabelsOfNoClass);
