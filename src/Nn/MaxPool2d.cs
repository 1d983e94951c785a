using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>The maximum of each window: (B, H, W, C) -> (B, H', W', C).</summary>
/// <param name="kernelSize">Side of the window.</param>
/// <param name="stride">Stride of the window; null: its side.</param>
/// <param name="padding">Rows and columns of padding around the image, at most half the window.</param>
/// <param name="type">Element type of activations.</param>
public sealed class MaxPool2d(int kernelSize, int? stride = null, int padding = 0, DType type = DType.Float32) : Layer(type)
{
    /// <inheritdoc />
    public override Variable Forward(Variable input) =>
        Variable.Apply(new Kernels.MaxPool2d(kernelSize, stride ?? kernelSize, padding), input);

    /// <inheritdoc />
    public override Layer Like() => new MaxPool2d(kernelSize, stride, padding, DType);
}
