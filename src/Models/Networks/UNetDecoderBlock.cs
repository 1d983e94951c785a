using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// A block of U-Net's decoder: nearest-neighbour upsampling by 2, concatenation with the skip connection, then two 3x3 convolutions with
/// batch norm and ReLU. (B, H, W, inputs), (B, 2H, 2W, skip) -> (B, 2H, 2W, outputs). Names: conv1, conv2.
/// </summary>
public sealed class UNetDecoderBlock : Module
{
    private readonly ConvBatchNorm _conv1, _conv2;

    /// <summary>Creates a block.</summary>
    /// <param name="inputs">Channels of the lower-resolution map.</param>
    /// <param name="skip">Channels of the skip connection; 0: none.</param>
    /// <param name="outputs">Channels of the result.</param>
    /// <param name="type">Element type.</param>
    public UNetDecoderBlock(int inputs, int skip, int outputs, DType type) : base(type)
    {
        _conv1 = Register("conv1", new ConvBatchNorm(inputs + skip, outputs, kernel: 3, stride: 1, padding: 1, relu: true, type));
        _conv2 = Register("conv2", new ConvBatchNorm(outputs, outputs, kernel: 3, stride: 1, padding: 1, relu: true, type));
    }

    /// <summary>Applies the block; skip is null if the block has no skip connection.</summary>
    public Variable Forward(Variable input, Variable? skip)
    {
        Variable x = Variable.Apply(new Resize(2 * input.Shape[1], 2 * input.Shape[2], ResizeMode.Nearest), input);
        if (skip is not null)
            x = Variable.Apply(new Concat(), x, skip);
        return _conv2.Forward(_conv1.Forward(x));
    }
}
