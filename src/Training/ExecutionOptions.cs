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
}
