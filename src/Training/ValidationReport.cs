namespace CsUnet.Training;

/// <summary>The result of a validation.</summary>
/// <param name="Step">Steps completed before it.</param>
/// <param name="Loss">The loss of the blended probabilities over all validation pixels.</param>
/// <param name="Evaluation">The metrics.</param>
/// <param name="IsBest">Whether its mean IoU is the best so far.</param>
/// <param name="Elapsed">Duration of the validation.</param>
public sealed record ValidationReport(int Step, double Loss, Evaluation Evaluation, bool IsBest, TimeSpan Elapsed)
{
    /// <summary>Mean IoU over the validation images.</summary>
    public double MeanIoU => Evaluation.MeanIoU;
}
