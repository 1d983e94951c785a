using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>Where a trainer's batches come from.</summary>
public interface IBatchSource : IDisposable
{
    /// <summary>Says where the run begins, before the first <see cref="Next"/>.</summary>
    /// <param name="step">Steps done already.</param>
    /// <param name="steps">Steps of the whole run.</param>
    void Start(int step, int steps);

    /// <summary>
    /// The batch of a step, a function of the seed and the step alone. Steps are asked for in order. The tensors are valid until the next
    /// call, or until the current step of the arena ends.
    /// </summary>
    /// <param name="step">Steps done before: 0 for the first.</param>
    Batch Next(int step);
}
