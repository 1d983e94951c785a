namespace CsUnet.Lab;

/// <summary>The result of a step benchmark. Times are medians.</summary>
/// <param name="Step">A training step: forward, loss, backward, optimiser.</param>
/// <param name="Steps">Each timed step.</param>
/// <param name="Inference">A forward pass in evaluation mode without a tape.</param>
/// <param name="Parameters">Number of trained parameters.</param>
/// <param name="MultiplyAdds">Multiply-adds of one forward pass: matrix products, convolutions, attention.</param>
/// <param name="PeakGflops">The CPU's peak rate of fused multiply-adds, measured between the steps; 0 on a GPU.</param>
/// <param name="ArenaBytes">Size of the step arena.</param>
/// <param name="PeakWorkingSet">Peak working set of the process in bytes.</param>
/// <param name="Traced">One more step, launched kernel by kernel, with the time of each part.</param>
/// <param name="Data">The time of one thread to crop and augment a batch; in training this overlaps with a step.</param>
public sealed record StepMeasurement(
    TimeSpan Step, IReadOnlyList<TimeSpan> Steps, TimeSpan Inference, long Parameters, long MultiplyAdds, double PeakGflops,
    long ArenaBytes, long PeakWorkingSet, TracedStep Traced, TimeSpan Data)
{
    /// <summary>FLOPs of a training step: two per multiply-add; the backward pass has twice those of the forward pass.</summary>
    public double StepFlops => 3.0 * 2 * MultiplyAdds;

    /// <summary>The step's FLOP rate over the machine's peak.</summary>
    public double FmaPeakShare => StepFlops / Step.TotalSeconds / (PeakGflops * 1e9);
}
