namespace CsUnet.Models.Encoders;

/// <summary>The architecture of a Swin transformer (Liu et al. 2021) for images of one size.</summary>
/// <param name="Height">Height of the images in pixels, a multiple of 32.</param>
/// <param name="Width">Width of the images in pixels, a multiple of 32.</param>
/// <param name="EmbedDim">E, the channels of the first stage.</param>
/// <param name="Depths">Blocks per stage.</param>
/// <param name="Heads">Attention heads per stage.</param>
/// <param name="Window">Side of the attention window in tokens.</param>
/// <param name="MlpRatio">Hidden width of the MLP divided by its input width.</param>
/// <param name="Mlp">The MLP of the blocks.</param>
/// <param name="DropPath">Largest probability of DropPath; it rises linearly over the blocks, starting at 0.</param>
public sealed record SwinOptions(
    int Height, int Width, int EmbedDim, IReadOnlyList<int> Depths, IReadOnlyList<int> Heads, int Window, int MlpRatio, MlpKind Mlp,
    double DropPath)
{
    /// <summary>Creates the blocks of a stage, every second one shifted. A decoder that mirrors the stage uses the same blocks.</summary>
    /// <param name="stage">The stage, from 0; stage 0 has a quarter of the image's resolution, each following stage half as much.</param>
    /// <param name="type">Element type.</param>
    internal IEnumerable<SwinBlock> CreateBlocks(int stage, Tensors.DType type)
    {
        int first = Depths.Take(stage).Sum(), count = Depths.Sum();
        return Enumerable.Range(0, Depths[stage]).Select(j => new SwinBlock(
            EmbedDim << stage, Height / 4 >> stage, Width / 4 >> stage, Window, Heads[stage], shifted: j % 2 == 1, MlpRatio, Mlp,
            dropPath: count == 1 ? 0 : DropPath * (first + j) / (count - 1), type));
    }
}
