namespace CsUnet.Data;

/// <summary>Options of a <see cref="BatchLoader"/>.</summary>
/// <param name="BatchSize">Samples per batch.</param>
/// <param name="Height">Rows of a crop.</param>
/// <param name="Width">Columns of a crop.</param>
/// <param name="Seed">The run's seed.</param>
public sealed record BatchOptions(int BatchSize, int Height, int Width, ulong Seed)
{
    /// <summary>The augmentation of samples.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.Default;

    /// <summary>The normalisation of the network's input.</summary>
    public Normalisation Normalisation { get; init; } = Normalisation.ImageNet;

    /// <summary>Number of background threads.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Number of batches prepared ahead of the one in use.</summary>
    public int Prefetch { get; init; } = 3;
}
