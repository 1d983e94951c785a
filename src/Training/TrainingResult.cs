namespace CsUnet.Training;

/// <summary>The end of a run.</summary>
/// <param name="Outcome">Why it ended.</param>
/// <param name="Step">Steps done in all.</param>
/// <param name="Loss">The last step's loss; not a number if no step was done.</param>
/// <param name="BestMeanIoU">The best validation mean IoU, or null if there was no validation.</param>
/// <param name="BestStep">The step of the best validation; 0 if there was none.</param>
/// <param name="Elapsed">How long this call took.</param>
/// <param name="PeakBytes">The most memory that the steps' arena used at once.</param>
public sealed record TrainingResult(
    TrainingOutcome Outcome, int Step, double Loss, double? BestMeanIoU, int BestStep, TimeSpan Elapsed, long PeakBytes);
