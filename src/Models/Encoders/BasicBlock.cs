using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>Two 3x3 convolutions: ResNet-18 and 34.</summary>
public sealed class BasicBlock : ResidualBlock
{
    private readonly Conv2d _conv1, _conv2;
    private readonly BatchNorm2d _bn1, _bn2;

    /// <summary>A block from <paramref name="inputs"/> to <paramref name="width"/> channels.</summary>
    public BasicBlock(int inputs, int width, int stride, DType type) : base(type)
    {
        _conv1 = Register("conv1", new Conv2d(inputs, width, 3, stride, padding: 1, bias: false, type: type, normalised: true));
        _bn1 = Register("bn1", new BatchNorm2d(width, type));
        _conv2 = Register("conv2", new Conv2d(width, width, 3, padding: 1, bias: false, type: type, normalised: true));
        _bn2 = Register("bn2", new BatchNorm2d(width, type));
        RegisterDownsample(inputs, width, stride);
    }

    /// <inheritdoc />
    public override Variable Forward(Variable input) => Chain(input, (_conv1, _bn1), (_conv2, _bn2));
}
