using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>Where a trainer's batches come from.</summary>
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

/// <summary>Augmented random crops of a data set, made in the background.</summary>
/// <param name="images">The training images, which stay the caller's.</param>
/// <param name="options">The run's options.</param>
/// <param name="normalisation">How images become the network's input.</param>
public sealed class CropSource(MicrographDataset images, TrainingOptions options, Normalisation normalisation) : IBatchSource
{
    private readonly BatchLoader _loader = new(images, new BatchOptions(options.Batch, options.Height, options.Width, options.Seed)
    {
        Augmentation = options.Augmentation, Normalisation = normalisation,
    });

    /// <inheritdoc />
    public int StepsPerEpoch => _loader.StepsPerEpoch;

    /// <inheritdoc />
    public Batch GetBatch(int step) => _loader.GetBatch(step);

    /// <inheritdoc />
    public void Dispose() => _loader.Dispose();
}
