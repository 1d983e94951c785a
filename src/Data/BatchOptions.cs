using System.Runtime.ExceptionServices;

namespace CsUnet.Data;

/// <summary>What a <see cref="BatchLoader"/> makes.</summary>
/// <param name="BatchSize">Samples a batch.</param>
/// <param name="Height">Rows of a crop.</param>
/// <param name="Width">Columns of a crop.</param>
/// <param name="Seed">The run's seed.</param>
public sealed record BatchOptions(int BatchSize, int Height, int Width, ulong Seed)
{
    /// <summary>How samples vary.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.Default;

    /// <summary>How levels become the network's input.</summary>
    public Normalisation Normalisation { get; init; } = Normalisation.ImageNet;

    /// <summary>Background threads.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Batches that are made ahead of the one in use.</summary>
    public int Prefetch { get; init; } = 3;
}
