using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Models;

/// <summary>
/// Windowed multi-head self-attention with relative position bias: qkv projection, attention inside (shifted) windows, output projection.
/// (B, H, W, C) -> (B, H, W, C), H and W multiples of the window.
/// </summary>
public sealed class WindowAttentionLayer : Module
{
    private readonly LinearLayer _qkv, _proj;
    private readonly Parameter _table;
    private readonly int _window, _heads;

    /// <summary>A layer of <paramref name="channels"/> channels in windows of <paramref name="window"/> x <paramref name="window"/> tokens.</summary>
    public WindowAttentionLayer(int channels, int window, int heads, DType type) : base(type)
    {
        _table = RegisterParameter("relative_position_bias_table", [(2 * window - 1) * (2 * window - 1), heads], Initializer.TruncatedNormal);
        _qkv = Register("qkv", new LinearLayer(channels, 3 * channels, bias: true, type));
        _proj = Register("proj", new LinearLayer(channels, channels, bias: true, type));
        (_window, _heads) = (window, heads);
    }

    /// <summary>Applies the layer.</summary>
    /// <param name="input">Tokens (B, H, W, C).</param>
    /// <param name="shift">Cyclic shift of the window grid in tokens.</param>
    public Variable Forward(Variable input, int shift) => _proj.Forward(Attend(input, shift));

    /// <summary>residual + DropPath(layer(input)), a residual branch.</summary>
    /// <param name="input">Tokens (B, H, W, C).</param>
    /// <param name="shift">Cyclic shift of the window grid in tokens.</param>
    /// <param name="residual">Tokens that the result is added to.</param>
    /// <param name="dropPath">Stochastic depth of the branch; null for none.</param>
    public Variable Forward(Variable input, int shift, Variable residual, DropPath? dropPath) =>
        _proj.Forward(Attend(input, shift), residual, dropPath);

    // All but the output projection.
    private Variable Attend(Variable input, int shift)
    {
        int height = input.Shape[1], width = input.Shape[2];
        // Padded after the norm, so padded tokens are zero before the projection: their keys and values are the projection's bias.
        int bottom = (_window - height % _window) % _window, right = (_window - width % _window) % _window;
        bool padded = bottom + right > 0;
        Variable x = padded ? Variable.Apply(new Pad2d(bottom, right), input) : input;
        x = _qkv.Forward(x);                                                            // (B, H+, W+, 3C)
        x = Variable.Apply(new WindowAttention(_window, _heads, shift), x, _table);     // (B, H+, W+, C)
        if (padded)
            x = Variable.Apply(new Crop2d(height, width), x);
        return x;
    }
}

/// <summary>The MLP of a Swin block: CS-UNet's residual form fc3(gelu(fc2(gelu(fc1 x)) + x)), or Swin's fc2(gelu(fc1 x)).</summary>
public sealed class Mlp : Module
{
    private readonly LinearLayer _fc1, _fc2;
    private readonly LinearLayer? _fc3;

    /// <summary>An MLP of <paramref name="channels"/> channels and <paramref name="hidden"/> hidden ones.</summary>
    public Mlp(int channels, int hidden, MlpKind kind, DType type) : base(type)
    {
        _fc1 = Register("fc1", new LinearLayer(channels, hidden, bias: true, type));
        _fc2 = Register("fc2", new LinearLayer(hidden, channels, bias: true, type));
        _fc3 = kind == MlpKind.ResMlp ? Register("fc3", new LinearLayer(channels, channels, bias: true, type)) : null;
    }

    /// <summary>(..., C) -> (..., C); residual + DropPath of that if a residual is given.</summary>
    public Variable Forward(Variable input, Variable? residual = null, DropPath? dropPath = null)
    {
        Variable?[] inputs = [input, residual, _fc1.Weight, _fc1.Bias, _fc2.Weight, _fc2.Bias];
        return Variable.Apply(new GeluMlp(dropPath), _fc3 is null ? inputs : [.. inputs, _fc3.Weight, _fc3.Bias]);
    }
}

/// <summary>
/// A Swin transformer block (Liu et al. 2021): x + DropPath(attention(norm1 x)), then x + DropPath(mlp(norm2 x)). (B, H, W, C) -> the same.
/// </summary>
public sealed class SwinBlock : Module
{
    private readonly LayerNormLayer _norm1, _norm2;
    private readonly WindowAttentionLayer _attention;
    private readonly Mlp _mlp;
    private readonly int _shift;
    private readonly double _dropPath;

    /// <summary>A block for one resolution.</summary>
    /// <param name="channels">C.</param>
    /// <param name="height">H in tokens.</param>
    /// <param name="width">W in tokens.</param>
    /// <param name="window">Side of the window; where min(H, W) is not larger, that is the window and nothing shifts.</param>
    /// <param name="heads">Attention heads.</param>
    /// <param name="shifted">Whether the windows are shifted by half a window.</param>
    /// <param name="mlpRatio">Hidden channels of the MLP over C.</param>
    /// <param name="mlp">Kind of MLP.</param>
    /// <param name="dropPath">Probability of DropPath in training.</param>
    /// <param name="type">Element type.</param>
    public SwinBlock(
        int channels, int height, int width, int window, int heads, bool shifted, int mlpRatio, MlpKind mlp, double dropPath, DType type)
        : base(type)
    {
        int side = Math.Min(window, Math.Min(height, width));
        _shift = shifted && Math.Min(height, width) > window ? window / 2 : 0;
        _norm1 = Register("norm1", new LayerNormLayer(channels, type));
        _attention = Register("attn", new WindowAttentionLayer(channels, side, heads, type));
        _norm2 = Register("norm2", new LayerNormLayer(channels, type));
        _mlp = Register("mlp", new Mlp(channels, mlpRatio * channels, mlp, type));
        _dropPath = dropPath;
    }

    /// <summary>Applies the block to tokens (B, H, W, C).</summary>
    public Variable Forward(Variable input)
    {
        Variable x = _attention.Forward(_norm1.Forward(input), _shift, input, DropPath(branch: 0));
        return _mlp.Forward(_norm2.Forward(x), x, DropPath(branch: 1));
    }

    // The two branches of a block draw apart: the high bit of the layer tells them.
    private DropPath? DropPath(uint branch) =>
        IsTraining && _dropPath > 0 ? new DropPath(_dropPath, Key with { Layer = Key.Layer | branch << 31 }) : null;
}

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
