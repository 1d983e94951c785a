using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>Patch merging: gather 2x2 tokens, layer norm, linear without bias. (B, H, W, C) -> (B, H/2, W/2, 2C).</summary>
public sealed class PatchMerging : Module
{
    private readonly Linear _reduction;
    private readonly LayerNorm _norm;

    /// <summary>Creates a layer that merges tokens of <paramref name="channels"/> channels.</summary>
    public PatchMerging(int channels, DType type) : base(type)
    {
        _reduction = Register("reduction", new Linear(4 * channels, 2 * channels, bias: false, type));
        _norm = Register("norm", new LayerNorm(4 * channels, type));
    }

    /// <summary>Merges tokens.</summary>
    public Variable Forward(Variable input) => _reduction.Forward(_norm.ForwardMerged(input));
}
