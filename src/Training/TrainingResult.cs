namespace CsUnet.Training;

/// <summary>The result of a run.</summary>
/// <param name="Outcome">Why it ended.</param>
/// <param name="Step">Steps completed in total.</param>
/// <param name="Loss">The loss of the last step; NaN if no step ran.</param>
/// <param name="BestMeanIoU">The best validation mean IoU; null without a validation.</param>
/// <param name="BestStep">The step of the best validation; 0 without a validation.</param>
/// <param name="Elapsed">Duration of this call.</param>
/// <param name="PeakBytes">Peak memory use of the step arena in bytes.</param>
public sealed record TrainingResult(
    TrainingOutcome Outcome, int Step, double Loss, double? BestMeanIoU, int BestStep, TimeSpan Elapsed, long PeakBytes);
