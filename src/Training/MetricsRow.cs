using System.Globalization;
using System.Text;

namespace CsUnet.Training;

/// <summary>One row of metrics.csv.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Epoch">The step's epoch, from 1.</param>
/// <param name="Loss">The step's loss.</param>
/// <param name="LearningRate">The step's learning rate.</param>
/// <param name="ValidationLoss">The loss of the validation after the step, if there was one.</param>
/// <param name="ValidationMeanIoU">Its mean IoU.</param>
/// <param name="ImagesPerSecond">Training speed.</param>
public sealed record MetricsRow(
    int Step, int Epoch, double Loss, double LearningRate, double? ValidationLoss, double? ValidationMeanIoU, double ImagesPerSecond);
