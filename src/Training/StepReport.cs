namespace CsUnet.Training;

/// <summary>What one training step did.</summary>
/// <param name="Step">Steps done, this one included: the first step is 1.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Epoch">The epoch that the step belongs to, from 1.</param>
/// <param name="Epochs">Epochs of the whole run.</param>
/// <param name="Loss">The loss of the step's batch.</param>
/// <param name="LearningRate">The learning rate that the step used.</param>
/// <param name="GradientNorm">The L2 norm of all gradients, before clipping.</param>
/// <param name="MeanIoU">Mean IoU of the step's batch under the network in training mode.</param>
/// <param name="Images">Images of the step's batch.</param>
/// <param name="ImagesPerSecond">Training speed, averaged over the last steps; validation does not count.</param>
/// <param name="Remaining">Estimated time until the last step, validations included.</param>
public sealed record StepReport(
    int Step, int Steps, int Epoch, int Epochs, double Loss, double LearningRate, double GradientNorm, double MeanIoU, int Images,
    double ImagesPerSecond, TimeSpan Remaining);
