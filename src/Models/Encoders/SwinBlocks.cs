using CsUnet.Models.Networks;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>Swin blocks of one stage, every second one shifted.</summary>
internal static class SwinBlocks
{
    /// <summary>The blocks of a stage, registered as 0, 1, ... by the caller.</summary>
    public static IEnumerable<SwinBlock> Create(
        CsUnetOptions options, int stage, int depth, ReadOnlyMemory<double> dropPath, DType type) => Enumerable.Range(0, depth).Select(j =>
            new SwinBlock(
                options.EmbedDim << stage, options.Height / 4 >> stage, options.Width / 4 >> stage, options.Window, options.Heads[stage],
                shifted: j % 2 == 1, options.MlpRatio, options.Mlp, dropPath.Span[j], type));
}
