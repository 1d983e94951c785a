namespace CsUnet.Nn;

/// <summary>The validation results that the plateau schedule and early stopping need. Immutable.</summary>
/// <param name="Best">The best mean IoU; null before the first validation.</param>
/// <param name="BestStep">Steps completed at the best validation.</param>
/// <param name="SinceBest">Validations since the best one, for early stopping.</param>
/// <param name="SinceReduction">Validations without improvement since the learning rate was last reduced.</param>
/// <param name="Reductions">Number of reductions of the learning rate so far.</param>
public sealed record ValidationHistory(
    double? Best = null, int BestStep = 0, int SinceBest = 0, int SinceReduction = 0, int Reductions = 0)
{
    /// <summary>Returns the history with one more validation.</summary>
    /// <param name="meanIoU">Its mean IoU.</param>
    /// <param name="step">Steps completed before it.</param>
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
