using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>Patch embedding: 4x4 convolution of stride 4, then layer norm. (B, H, W, 3) -> (B, H/4, W/4, E).</summary>
public sealed class PatchEmbed : Module
{
    private readonly Conv2d _proj;
    private readonly LayerNorm _norm;

    /// <summary>Creates an embedding into <paramref name="embedDim"/> channels.</summary>
    public PatchEmbed(int embedDim, DType type) : base(type)
    {
        _proj = Register("proj", new Conv2d(3, embedDim, 4, stride: 4, type: type));
        _norm = Register("norm", new LayerNorm(embedDim, type));
    }

    /// <summary>Embeds images.</summary>
    public Variable Forward(Variable images) => _norm.Forward(_proj.Forward(images));
}
