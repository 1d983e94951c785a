namespace CsUnet.Lab;

/// <summary>A step whose operators were timed individually.</summary>
/// <param name="Forward">Inputs, forward pass and loss.</param>
/// <param name="Backward">The backward pass.</param>
/// <param name="Update">The optimiser.</param>
/// <param name="Operators">Its operators.</param>
/// <param name="Layers">Its layers.</param>
/// <param name="Launches">Kernels launched; 0 on the CPU.</param>
public sealed record TracedStep(
    TimeSpan Forward, TimeSpan Backward, TimeSpan Update, IReadOnlyList<TraceShare> Operators, IReadOnlyList<TraceShare> Layers,
    int Launches)
{
    /// <summary>The time of the step.</summary>
    public TimeSpan Total => Forward + Backward + Update;
}
