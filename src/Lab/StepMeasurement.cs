using System.Diagnostics;

namespace CsUnet.Lab;

/// <summary>What a step benchmark measured. Times are medians.</summary>
/// <param name="Step">A training step: forward, loss, backward, optimiser.</param>
/// <param name="Steps">Each timed step.</param>
/// <param name="Inference">A forward pass in evaluation mode without a tape.</param>
/// <param name="Parameters">Trained numbers.</param>
/// <param name="MultiplyAdds">Multiply-adds of one forward pass: matrix products, convolutions, attention.</param>
/// <param name="PeakGflops">The processor's fused multiply-add limit, measured between the steps; 0 if it did not do them.</param>
/// <param name="ArenaBytes">What the step arena holds.</param>
/// <param name="PeakWorkingSet">The most memory that the process had at once, in bytes.</param>
/// <param name="Traced">One step more, launch by launch, with what each part of it took.</param>
/// <param name="Data">What one thread needs to cut and augment a batch; in training it does so while a step runs.</param>
public sealed record StepMeasurement(
    TimeSpan Step, IReadOnlyList<TimeSpan> Steps, TimeSpan Inference, long Parameters, long MultiplyAdds, double PeakGflops,
    long ArenaBytes, long PeakWorkingSet, TracedStep Traced, TimeSpan Data)
{
    /// <summary>FLOPs of a training step: two per multiply-add, and the backward pass twice the forward's.</summary>
    public double StepFlops => 3.0 * 2 * MultiplyAdds;

    /// <summary>The step's rate over the machine's limit.</summary>
    public double FmaPeakShare => StepFlops / Step.TotalSeconds / (PeakGflops * 1e9);
}
