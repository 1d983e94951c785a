using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>
/// Windowed multi-head self-attention with relative position bias: qkv projection, attention inside (shifted) windows, output projection.
/// (B, H, W, C) -> (B, H, W, C), H and W multiples of the window.
/// </summary>
public sealed class WindowAttention : Module
{
    private readonly Linear _qkv, _proj;
    private readonly Parameter _table;
    private readonly int _window, _heads;

    /// <summary>
    /// Creates a layer for <paramref name="channels"/> channels and windows of <paramref name="window"/> x <paramref name="window"/>
    /// tokens.
    /// </summary>
    public WindowAttention(int channels, int window, int heads, DType type) : base(type)
    {
        _table = RegisterParameter("relative_position_bias_table", [(2 * window - 1) * (2 * window - 1), heads],
            Initializer.TruncatedNormal);
        _qkv = Register("qkv", new Linear(channels, 3 * channels, bias: true, type));
        _proj = Register("proj", new Linear(channels, channels, bias: true, type));
        (_window, _heads) = (window, heads);
    }

    /// <summary>Applies the layer.</summary>
    /// <param name="input">Tokens (B, H, W, C).</param>
    /// <param name="shift">Cyclic shift of the window grid in tokens.</param>
    public Variable Forward(Variable input, int shift) => _proj.Forward(Attend(input, shift));

    /// <summary>residual + DropPath(layer(input)), a residual branch.</summary>
    /// <param name="input">Tokens (B, H, W, C).</param>
    /// <param name="shift">Cyclic shift of the window grid in tokens.</param>
    /// <param name="residual">Tokens to which the result is added.</param>
    /// <param name="dropPath">Stochastic depth of the branch; null for none.</param>
    public Variable Forward(Variable input, int shift, Variable residual, Kernels.DropPath? dropPath) =>
        _proj.Forward(Attend(input, shift), residual, dropPath);

    // Everything except the output projection.
    private Variable Attend(Variable input, int shift)
    {
        int height = input.Shape[1], width = input.Shape[2];
        // Padding follows the norm, so padded tokens are zero before the projection: their keys and values are its bias.
        int bottom = (_window - height % _window) % _window, right = (_window - width % _window) % _window;
        bool padded = bottom + right > 0;
        Variable x = padded ? Variable.Apply(new Kernels.Pad2d(bottom, right), input) : input;
        x = _qkv.Forward(x);                                                            // (B, H+, W+, 3C)
        x = Variable.Apply(new Kernels.WindowAttention(_window, _heads, shift), x, _table);     // (B, H+, W+, C)
        if (padded)
            x = Variable.Apply(new Kernels.Crop2d(height, width), x);
        return x;
    }
}
