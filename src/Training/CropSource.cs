using CsUnet.Data;

namespace CsUnet.Training;

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
