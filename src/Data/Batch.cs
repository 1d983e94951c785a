using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>The images and labels of one training step.</summary>
/// <param name="Images">(B, H, W, 3) float32, normalised.</param>
/// <param name="Labels">(B, H, W) uint8, <see cref="ClassMap.Ignored"/> for pixels that loss and scores leave out.</param>
public sealed record Batch(Tensor Images, Tensor Labels)
{
    /// <summary>The batch's step.</summary>
    public int Step { get; internal set; }

    /// <summary>For each entry, the index of its image in the data set.</summary>
    public IReadOnlyList<int> Indices { get; internal set; } = [];
}
