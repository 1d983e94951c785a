using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>
/// Convolution without bias, batch norm and optional ReLU, in this order, as one operator. Names: 0 (the convolution) and 1 (the batch
/// norm), as of PyTorch's Sequential. (B, H, W, in) -> (B, H', W', out).
/// </summary>
public sealed class ConvBatchNorm : Module
{
    private readonly Conv2d _conv;
    private readonly BatchNorm2d _norm;
    private readonly bool _relu;

    /// <summary>A layer with a square kernel.</summary>
    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">Step.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <param name="relu">Whether the output is rectified.</param>
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
