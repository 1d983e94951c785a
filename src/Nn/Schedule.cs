namespace CsUnet.Nn;

/// <summary>The learning rate as a function of the step and the previous validations. It has no state.</summary>
/// <param name="Kind">The shape of the schedule after the warm-up.</param>
/// <param name="Peak">The learning rate after the warm-up.</param>
/// <param name="Steps">Steps of the run.</param>
/// <param name="WarmUp">Steps of the warm-up: the first one uses Peak / WarmUp, the last one Peak.</param>
/// <param name="Minimum">The final value of the cosine, and the lower limit of the plateau schedule.</param>
/// <param name="Every">Steps between reductions of the step schedule.</param>
/// <param name="Factor">Factor of one reduction.</param>
public sealed record Schedule(
    ScheduleKind Kind, double Peak, int Steps, int WarmUp = 0, double Minimum = 0, int Every = 100, double Factor = 0.1)
{
    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">Steps completed before it: 0 for the first.</param>
    /// <param name="history">The previous validations.</param>
    public double At(int step, ValidationHistory history)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        if (step < WarmUp)
            return Peak * (step + 1) / WarmUp;
        switch (Kind)
        {
            case ScheduleKind.Constant:
                return Peak;
            case ScheduleKind.Step:
                return Peak * Math.Pow(Factor, (step - WarmUp) / Every);
            case ScheduleKind.Plateau:
                return Math.Max(Math.Min(Peak, Minimum), Peak * Math.Pow(Factor, history.Reductions));
            default:
                double progress = Math.Min(1, (double)(step - WarmUp) / Math.Max(1, Steps - WarmUp));
                return Minimum + (Peak - Minimum) * 0.5 * (1 + Math.Cos(Math.PI * progress));
        }
    }
}
