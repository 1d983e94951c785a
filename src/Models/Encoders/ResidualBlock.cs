using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>A residual block of a ResNet (He et al. 2016).</summary>
/// <param name="type">Element type.</param>
public abstract class ResidualBlock(DType type) : Module(type)
{
    private ConvBatchNorm? _downsample;

    /// <summary>(B, H, W, inputs) -> (B, H/stride, W/stride, outputs).</summary>
    public abstract Variable Forward(Variable input);

    /// <summary>Adds the projection of the shortcut, <c>downsample.0</c> and <c>.1</c>, if the block changes the shape.</summary>
    protected void RegisterDownsample(int inputs, int outputs, int stride)
    {
        if (stride != 1 || inputs != outputs)
            _downsample = Register("downsample", new ConvBatchNorm(inputs, outputs, kernel: 1, stride, padding: 0, relu: false, DType));
    }

    /// <summary>Convolutions, each with batch norm and ReLU, in sequence; the shortcut is added before the last ReLU.</summary>
    protected Variable Chain(Variable input, params (Conv2d Conv, BatchNorm2d Norm)[] layers) =>
        Conv2d.Chain(input, () => Shortcut(input), layers);

    /// <summary>The shortcut: the input, projected if the block changes the shape.</summary>
    private Variable Shortcut(Variable input) => _downsample is null ? input : _downsample.Forward(input);
}
