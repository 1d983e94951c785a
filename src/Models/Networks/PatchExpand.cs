using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// Patch expanding: linear without bias, pixel shuffle by s, layer norm. (B, H, W, in) -> (B, sH, sW, out); the linear layer has
/// s*s*out outputs.
/// </summary>
public sealed class PatchExpand : Module
{
    private readonly Linear _expand;
    private readonly LayerNorm _norm;
    private readonly int _scale;

    /// <summary>Creates an expansion by <paramref name="scale"/> per side.</summary>
    public PatchExpand(int inputs, int outputs, int scale, DType type) : base(type)
    {
        _expand = Register("expand", new Linear(inputs, scale * scale * outputs, bias: false, type));
        _norm = Register("norm", new LayerNorm(outputs, type));
        _scale = scale;
    }

    /// <summary>Expands tokens.</summary>
    public Variable Forward(Variable input) => _norm.ForwardShuffled(_expand.Forward(input), _scale);
}
