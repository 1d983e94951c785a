using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>
/// A ResNet (He et al. 2016) without its classifier: a 7x7 stem with stride 2, max pooling, and four stages of residual blocks. Its
/// features are the output of the stem before pooling and the outputs of the stages. Parameter names are torchvision's.
/// </summary>
public sealed class ResNet : Encoder
{
    private readonly Conv2d _conv1;
    private readonly BatchNorm2d _bn1;
    private readonly ModuleList<ResidualBlock>[] _stages;

    /// <summary>Creates an encoder with the given options.</summary>
    /// <exception cref="ArgumentException">The options cannot be built.</exception>
    public ResNet(ResNetOptions options, DType type) : base(type)
    {
        options.Validate();
        Features = [new(2, options.Width), .. options.Channels.Select((channels, stage) => new Feature(4 << stage, channels))];
        _conv1 = Register("conv1", new Conv2d(3, options.Width, 7, stride: 2, padding: 3, bias: false, type: type, normalised: true));
        _bn1 = Register("bn1", new BatchNorm2d(options.Width, type));
        int channels = options.Width;
        _stages = [.. Enumerable.Range(0, 4).Select(stage => Register($"layer{stage + 1}", new ModuleList<ResidualBlock>(
            Enumerable.Range(0, options.Layers[stage]).Select(j =>
            {
                int inputs = channels, width = options.Width << stage, stride = j == 0 && stage > 0 ? 2 : 1;
                channels = options.Channels[stage];
                return options.Block == ResidualBlockKind.Basic
                    ? (ResidualBlock)new BasicBlock(inputs, width, stride, type)
                    : new BottleneckBlock(inputs, width, stride, type);
            }), type)))];
    }

    /// <inheritdoc />
    public override IReadOnlyList<Feature> Features { get; }

    /// <inheritdoc />
    public override Variable[] Forward(Variable images)
    {
        Variable stem = _conv1.Forward(images, _bn1, relu: true);                                       // (B, H/2, W/2, width)
        Variable x = Variable.Apply(new Kernels.MaxPool2d(Kernel: 3, Stride: 2, Padding: 1), stem);     // (B, H/4, W/4, width)
        return [stem, .. _stages.Select(stage => x = stage.Items.Aggregate(x, (features, block) => block.Forward(features)))];
    }
}
