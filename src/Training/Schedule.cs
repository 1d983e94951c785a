namespace CsUnet.Training;

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

/// <summary>The learning rate as a function of the step and of the validations before it; it has no state of its own.</summary>
/// <param name="Kind">The course after the warm-up.</param>
/// <param name="Peak">The learning rate after the warm-up.</param>
/// <param name="Steps">Steps of the run.</param>
/// <param name="WarmUp">Steps of the warm-up: the first uses Peak / WarmUp, the last of them Peak.</param>
/// <param name="Minimum">Where the cosine ends and reductions stop.</param>
/// <param name="Every">Steps between reductions of the step schedule.</param>
/// <param name="Factor">Factor of one reduction.</param>
public sealed record Schedule(
    ScheduleKind Kind, double Peak, int Steps, int WarmUp = 0, double Minimum = 0, int Every = 100, double Factor = 0.1)
{
    /// <summary>The schedule that a run's options ask for.</summary>
    /// <param name="options">The options.</param>
    /// <param name="steps">Steps of the run.</param>
    public static Schedule Create(TrainingOptions options, int steps) => new(
        options.Schedule, options.LearningRate, steps, options.WarmUp, options.MinimumLearningRate, options.ScheduleEvery, options.ScheduleFactor);

    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">Steps done before it: 0 for the first.</param>
    /// <param name="history">The validations before it.</param>
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
