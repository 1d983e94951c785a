namespace CsUnet.Training;

/// <summary>One row of metrics.csv.</summary>
/// <param name="Step">Steps completed.</param>
/// <param name="Epoch">The epoch of the step, from 1.</param>
/// <param name="Loss">The loss of the step.</param>
/// <param name="LearningRate">The learning rate of the step.</param>
/// <param name="ValidationLoss">The loss of the validation after the step, if there was one.</param>
/// <param name="ValidationMeanIoU">The mean IoU of that validation.</param>
/// <param name="ImagesPerSecond">Training speed.</param>
public sealed record MetricsRow(
    int Step, int Epoch, double Loss, double LearningRate, double? ValidationLoss, double? ValidationMeanIoU, double ImagesPerSecond);
