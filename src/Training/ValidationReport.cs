namespace CsUnet.Training;

/// <summary>What a validation found.</summary>
/// <param name="Step">Steps done before it.</param>
/// <param name="Loss">The loss over all validation pixels, from the blended probabilities.</param>
/// <param name="Evaluation">The metrics.</param>
/// <param name="IsBest">Whether its mean IoU is the best so far.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record ValidationReport(int Step, double Loss, Evaluation Evaluation, bool IsBest, TimeSpan Elapsed)
{
    /// <summary>Mean IoU over the validation images.</summary>
    public double MeanIoU => Evaluation.MeanIoU;
}
