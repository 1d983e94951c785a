using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// Where and how a run computes. These options are not part of the run: config.yaml does not contain them, and a run may be resumed with
/// other values. Another device may round differently.
/// </summary>
public sealed record ExecutionOptions
{
    /// <summary>The device of the model.</summary>
    public Device Device { get; init; } = Device.Cpu;

    /// <summary>
    /// Whether a CUDA device launches a whole step as one CUDA graph, captured in the second step. The results are identical bit for bit.
    /// </summary>
    public bool UsesGraph { get; init; } = true;

    /// <summary>
    /// Steps between two reads of the results from a CUDA device; validations and checkpoints read them as well. No result is lost in
    /// between, but an error is reported later.
    /// </summary>
    public int StepsPerRead { get; init; } = 1;
}
