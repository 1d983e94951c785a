using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Layer norm over C channels, eps 1e-5.</summary>
public sealed class LayerNorm : Layer
{
    private readonly Parameter _weight, _bias;

    /// <summary>Creates a layer over <paramref name="channels"/> channels.</summary>
    public LayerNorm(int channels, DType type = DType.Float32) : base(type)
    {
        _weight = RegisterParameter("weight", [channels], Initializer.Ones);
        _bias = RegisterParameter("bias", [channels], Initializer.Zeros);
    }

    /// <summary>Applies the layer.</summary>
    public override Variable Forward(Variable input) => Variable.Apply(new Kernels.LayerNorm(), input, _weight, _bias);

    /// <inheritdoc />
    public override Layer Like() => new LayerNorm(_weight.Shape[0], DType);

    /// <summary>Gathers 2x2 tokens, then applies the layer, fused: (B, H, W, C/4) -> (B, H/2, W/2, C).</summary>
    public Variable ForwardMerged(Variable input) => Variable.Apply(new PatchMergeNorm(), input, _weight, _bias);

    /// <summary>Shuffles channels into pixels, then applies the layer, fused: (B, H, W, s*s*C) -> (B, s*H, s*W, C).</summary>
    public Variable ForwardShuffled(Variable input, int scale) => Variable.Apply(new PixelShuffleNorm(scale), input, _weight, _bias);
}
