using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>
/// A ResNet without its classifier: 7x7 stem of stride 2, max pooling, four stages. Its features have strides 4, 8, 16, 32.
/// </summary>
public sealed class ResNetEncoder : Module
{
    private readonly Conv2d _conv1;
    private readonly BatchNorm2d _bn1;
    private readonly ModuleList<ResidualBlock>[] _stages;

    /// <summary>An encoder of the given options.</summary>
    public ResNetEncoder(ResNetOptions options, DType type) : base(type)
    {
        _conv1 = Register("conv1", new Conv2d(3, options.Width, kernel: 7, stride: 2, padding: 3, bias: false, type));
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

    /// <summary>Features at strides 4, 8, 16, 32 of images (B, H, W, 3), each (B, H/s, W/s, C_s).</summary>
    public Variable[] Forward(Variable images)
    {
        Variable x = _conv1.Forward(images, _bn1, relu: true);                                          // (B, H/2, W/2, width)
        x = Variable.Apply(new Kernels.MaxPool2d(Kernel: 3, Stride: 2, Padding: 1), x);                         // (B, H/4, W/4, width)
        return [.. _stages.Select(stage => x = stage.Items.Aggregate(x, (features, block) => block.Forward(features)))];
    }
}
