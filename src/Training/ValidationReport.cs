namespace CsUnet.Training;

/// <summary>The result of a validation.</summary>
/// <param name="Step">Steps completed before it.</param>
/// <param name="Loss">The loss of the blended probabilities over all validation pixels.</param>
/// <param name="Evaluation">The metrics.</param>
/// <param name="IsBest">Whether <paramref name="MeanIoU"/> is the best so far.</param>
/// <param name="Elapsed">Duration of the validation.</param>
/// <param name="MeanIoU">
/// Mean IoU over the classes that occur both in the training masks and in the truth of the validation: by this the best is judged. A class
/// that training never showed says nothing about one network against another.
/// </param>
/// <param name="MeanNote">The classes over which that mean does not go; empty if it is over all.</param>
public sealed record ValidationReport(
    int Step, double Loss, Evaluation Evaluation, bool IsBest, TimeSpan Elapsed, double MeanIoU, string MeanNote);
