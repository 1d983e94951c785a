using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>What a training step works on.</summary>
/// <param name="Images">(B, H, W, 3) float32, normalised.</param>
/// <param name="Labels">(B, H, W) uint8, <see cref="ClassMap.Ignored"/> where nothing counts.</param>
public sealed record Batch(Tensor Images, Tensor Labels)
{
    /// <summary>The step that the batch belongs to.</summary>
    public int Step { get; internal set; }

    /// <summary>Which image of the data set each entry is cut from.</summary>
    public IReadOnlyList<int> Indices { get; internal set; } = [];
}
