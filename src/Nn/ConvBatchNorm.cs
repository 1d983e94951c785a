using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>
/// Convolution without bias, batch norm and optional ReLU, in this order, fused into one operator. Names, as in PyTorch's Sequential: 0
/// (the convolution) and 1 (the batch norm). (B, H, W, in) -> (B, H', W', out).
/// </summary>
public sealed class ConvBatchNorm : Module
{
    private readonly Conv2d _conv;
    private readonly BatchNorm2d _norm;
    private readonly bool _relu;

    /// <summary>Creates a layer with a square kernel.</summary>
    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">Stride of the kernel.</param>
    /// <param name="padding">Rows and columns of zeros around the image.</param>
    /// <param name="relu">Whether a ReLU follows.</param>
    /// <param name="type">Element type.</param>
    public ConvBatchNorm(int inputs, int outputs, int kernel, int stride, int padding, bool relu, DType type) : base(type)
    {
        _conv = Register("0", new Conv2d(inputs, outputs, kernel, stride, padding, bias: false, type: type, normalised: true));
        _norm = Register("1", new BatchNorm2d(outputs, type));
        _relu = relu;
    }

    /// <summary>Applies the layer.</summary>
    public Variable Forward(Variable input) => _conv.Forward(input, _norm, _relu);
}
