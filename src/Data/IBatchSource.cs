namespace CsUnet.Data;

/// <summary>Where the batches of a training come from.</summary>
public interface IBatchSource : IDisposable
{
    /// <summary>Steps per epoch.</summary>
    int StepsPerEpoch { get; }

    /// <summary>
    /// The batch of a step, a function of the seed and the step alone. The tensors are valid until the next call, or until the current
    /// step of the arena ends.
    /// </summary>
    /// <param name="step">Steps done before: 0 for the first.</param>
    Batch GetBatch(int step);
}
