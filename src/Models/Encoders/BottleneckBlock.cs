using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>1x1, 3x3 and 1x1 convolutions; the last has four times the width, the 3x3 has the stride. ResNet-50 and deeper.</summary>
public sealed class BottleneckBlock : ResidualBlock
{
    private readonly Conv2d _conv1, _conv2, _conv3;
    private readonly BatchNorm2d _bn1, _bn2, _bn3;

    /// <summary>A block from <paramref name="inputs"/> to 4 x <paramref name="width"/> channels.</summary>
    public BottleneckBlock(int inputs, int width, int stride, DType type) : base(type)
    {
        _conv1 = Register("conv1", new Conv2d(inputs, width, 1, bias: false, type: type, normalised: true));
        _bn1 = Register("bn1", new BatchNorm2d(width, type));
        _conv2 = Register("conv2", new Conv2d(width, width, 3, stride, padding: 1, bias: false, type: type, normalised: true));
        _bn2 = Register("bn2", new BatchNorm2d(width, type));
        _conv3 = Register("conv3", new Conv2d(width, 4 * width, 1, bias: false, type: type, normalised: true));
        _bn3 = Register("bn3", new BatchNorm2d(4 * width, type));
        RegisterDownsample(inputs, 4 * width, stride);
    }

    /// <inheritdoc />
    public override Variable Forward(Variable input) => Chain(input, (_conv1, _bn1), (_conv2, _bn2), (_conv3, _bn3));
}
