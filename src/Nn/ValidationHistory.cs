namespace CsUnet.Nn;

/// <summary>What a plateau schedule and early stopping know of the validations so far. Immutable.</summary>
/// <param name="Best">The best mean IoU; null before the first validation.</param>
/// <param name="BestStep">The steps that were done then.</param>
/// <param name="SinceBest">Validations since, for early stopping.</param>
/// <param name="SinceReduction">Validations without improvement since the learning rate was last reduced.</param>
/// <param name="Reductions">How often the learning rate was reduced.</param>
public sealed record ValidationHistory(
    double? Best = null, int BestStep = 0, int SinceBest = 0, int SinceReduction = 0, int Reductions = 0)
{
    /// <summary>The history with one more validation.</summary>
    /// <param name="meanIoU">What it found.</param>
    /// <param name="step">Steps done before it.</param>
    /// <param name="plateauPatience">Validations without improvement before a reduction.</param>
    public ValidationHistory With(double meanIoU, int step, int plateauPatience)
    {
        if (Best is null || meanIoU > Best)
            return this with { Best = meanIoU, BestStep = step, SinceBest = 0, SinceReduction = 0 };
        return SinceReduction + 1 >= plateauPatience
            ? this with { SinceBest = SinceBest + 1, SinceReduction = 0, Reductions = Reductions + 1 }
            : this with { SinceBest = SinceBest + 1, SinceReduction = SinceReduction + 1 };
    }
}
