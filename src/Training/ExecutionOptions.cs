using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// Where and how a run computes. It is no part of what the run is: config.yaml does not hold it, and a run may be resumed with other
/// values, though other devices round differently.
/// </summary>
public sealed record ExecutionOptions
{
    /// <summary>Where the model computes.</summary>
    public Device Device { get; init; } = Device.Cpu;

    /// <summary>
    /// Whether a CUDA device gets all launches of a step at once, as a graph that is recorded in the second step; the results are the same
    /// bit for bit.
    /// </summary>
    public bool UsesGraph { get; init; } = true;

    /// <summary>
    /// After how many steps a CUDA device is waited for to see what they found; validations and checkpoints wait for it too. Nothing is
    /// lost in between, an error only comes to light later.
    /// </summary>
    public int StepsPerRead { get; init; } = 1;
}
