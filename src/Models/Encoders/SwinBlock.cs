using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>
/// A Swin transformer block (Liu et al. 2021): x + DropPath(attention(norm1 x)), then x + DropPath(mlp(norm2 x)). (B, H, W, C) -> the same.
/// </summary>
public sealed class SwinBlock : Module
{
    private readonly LayerNorm _norm1, _norm2;
    private readonly WindowAttention _attention;
    private readonly Mlp _mlp;
    private readonly int _shift;
    private readonly double _dropPath;

    /// <summary>A block for one resolution.</summary>
    /// <param name="channels">C.</param>
    /// <param name="height">H in tokens.</param>
    /// <param name="width">W in tokens.</param>
    /// <param name="window">Side of the window. If min(H, W) is not larger, it becomes the window, and the windows are not shifted.</param>
    /// <param name="heads">Attention heads.</param>
    /// <param name="shifted">Whether the windows are shifted by half a window.</param>
    /// <param name="mlpRatio">Hidden channels of the MLP divided by C.</param>
    /// <param name="mlp">Kind of MLP.</param>
    /// <param name="dropPath">Probability of DropPath in training.</param>
    /// <param name="type">Element type.</param>
    public SwinBlock(
        int channels, int height, int width, int window, int heads, bool shifted, int mlpRatio, MlpKind mlp, double dropPath, DType type)
        : base(type)
    {
        int side = Math.Min(window, Math.Min(height, width));
        _shift = shifted && Math.Min(height, width) > window ? window / 2 : 0;
        _norm1 = Register("norm1", new LayerNorm(channels, type));
        _attention = Register("attn", new WindowAttention(channels, side, heads, type));
        _norm2 = Register("norm2", new LayerNorm(channels, type));
        _mlp = Register("mlp", Mlp.Create(mlp, channels, mlpRatio * channels, type));
        _dropPath = dropPath;
    }

    /// <summary>Applies the block to tokens (B, H, W, C).</summary>
    public Variable Forward(Variable input)
    {
        Variable x = _attention.Forward(_norm1.Forward(input), _shift, input, DropPath(branch: 0));
        return _mlp.Forward(_norm2.Forward(x), x, DropPath(branch: 1));
    }

    // The two branches of a block draw different random numbers: the high bit of the layer number is the branch.
    private Kernels.DropPath? DropPath(uint branch) =>
        IsTraining && _dropPath > 0 ? new Kernels.DropPath(_dropPath, Key with { Layer = Key.Layer | branch << 31 }) : null;
}
