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

    /// <summary>Adds the projection of the shortcut, <c>downsample.0</c> and <c>.1</c>, if the block changes shape.</summary>
    protected void RegisterDownsample(int inputs, int outputs, int stride)
    {
        if (stride != 1 || inputs != outputs)
            _downsample = Register("downsample", new ConvBatchNorm(inputs, outputs, kernel: 1, stride, padding: 0, relu: false, DType));
    }

    /// <summary>
    /// Convolutions with batch norm and ReLU one after the other, the shortcut added before the last ReLU. CUDA devices take them as one
    /// operator, which stores less of what is between them.
    /// </summary>
    protected Variable Chain(Variable input, params (Conv2d Conv, BatchNorm2d Norm)[] layers)
    {
        if (input.Value.Device.Kind == DeviceKind.Cuda)
        {
            Kernels.ConvBatchNormReLU[] fused = [.. layers.Select(layer => layer.Conv.Fused(layer.Norm, relu: true))];
            return Variable.Apply(new Kernels.ConvBatchNormChain(fused[0], fused[1], fused.ElementAtOrDefault(2)),
                [input, .. layers.SelectMany(layer => layer.Conv.Parameters(layer.Norm)), Shortcut(input)]);
        }
        Variable x = layers[..^1].Aggregate(input, (features, layer) => layer.Conv.Forward(features, layer.Norm, relu: true));
        return layers[^1].Conv.Forward(x, layers[^1].Norm, relu: true, residual: Shortcut(input));
    }

    /// <summary>The shortcut: the input, projected if the block changes shape.</summary>
    private Variable Shortcut(Variable input) => _downsample is null ? input : _downsample.Forward(input);
}
