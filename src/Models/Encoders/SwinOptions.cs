namespace CsUnet.Models.Encoders;

/// <summary>What determines a Swin transformer (Liu et al. 2021) for images of one size.</summary>
/// <param name="Height">Height of the images in pixels, a multiple of 32.</param>
/// <param name="Width">Width likewise.</param>
/// <param name="EmbedDim">E, the channels of the first stage.</param>
/// <param name="Depths">Blocks per stage.</param>
/// <param name="Heads">Attention heads per stage.</param>
/// <param name="Window">Side of the attention window in tokens.</param>
/// <param name="MlpRatio">Hidden width of the MLP over its input width.</param>
/// <param name="Mlp">The MLP of the blocks.</param>
/// <param name="DropPath">Largest probability of DropPath; it rises linearly over the blocks from 0.</param>
public sealed record SwinOptions(
    int Height, int Width, int EmbedDim, IReadOnlyList<int> Depths, IReadOnlyList<int> Heads, int Window, int MlpRatio, MlpKind Mlp,
    double DropPath)
{
    /// <summary>The blocks of a stage, every second one shifted; a decoder's too, which mirrors the stage.</summary>
    /// <param name="stage">The stage, from 0; its resolution is a quarter of the image's, halved per stage.</param>
    /// <param name="type">Element type.</param>
    internal IEnumerable<SwinBlock> CreateBlocks(int stage, Tensors.DType type)
    {
        int first = Depths.Take(stage).Sum(), count = Depths.Sum();
        return Enumerable.Range(0, Depths[stage]).Select(j => new SwinBlock(
            EmbedDim << stage, Height / 4 >> stage, Width / 4 >> stage, Window, Heads[stage], shifted: j % 2 == 1, MlpRatio, Mlp,
            dropPath: count == 1 ? 0 : DropPath * (first + j) / (count - 1), type));
    }
}
