using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// The 3x3 convolution with bias that computes logits from the decoder's output. (B, H, W, C) -> (B, H, W, classes). Name: 0.
/// </summary>
public sealed class SegmentationHead : Module
{
    private readonly Conv2d _convolution;

    /// <summary>Creates a head from <paramref name="inputs"/> channels to <paramref name="classes"/>.</summary>
    public SegmentationHead(int inputs, int classes, DType type) : base(type) => _convolution =
        Register("0", new Conv2d(inputs, classes, 3, padding: 1, type: type));

    /// <summary>Computes the logits.</summary>
    public Variable Forward(Variable input) => _convolution.Forward(input);
}
