namespace CsUnet.Training;

/// <summary>Progress report of one training step.</summary>
/// <param name="Step">Steps completed, including this one: the first step is 1.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Epoch">The epoch of the step, from 1.</param>
/// <param name="Epochs">Epochs of the whole run.</param>
/// <param name="Loss">The loss of the step's batch.</param>
/// <param name="LearningRate">The learning rate of the step.</param>
/// <param name="GradientNorm">The L2 norm of all gradients, before clipping.</param>
/// <param name="MeanIoU">Mean IoU of the step's batch, with the network in training mode.</param>
/// <param name="Images">Number of images in the batch.</param>
/// <param name="ImagesPerSecond">Training speed, averaged over the last steps, without validation.</param>
/// <param name="Remaining">Estimated time until the last step, including validations.</param>
public sealed record StepReport(
    int Step, int Steps, int Epoch, int Epochs, double Loss, double LearningRate, double GradientNorm, double MeanIoU, int Images,
    double ImagesPerSecond, TimeSpan Remaining);
