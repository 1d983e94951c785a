using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Models;

/// <summary>A residual block of a ResNet (He et al. 2016).</summary>
/// <param name="type">Element type.</param>
public abstract class ResidualBlock(DType type) : Module(type)
{
    private Downsample? _downsample;

    /// <summary>(B, H, W, inputs) -> (B, H/stride, W/stride, outputs).</summary>
    public abstract Variable Forward(Variable input);

    /// <summary>Adds the projection of the shortcut, <c>downsample.0</c> and <c>.1</c>, if the block changes shape.</summary>
    protected void RegisterDownsample(int inputs, int outputs, int stride)
    {
        if (stride != 1 || inputs != outputs)
            _downsample = Register("downsample", new Downsample(inputs, outputs, stride, DType));
    }

    /// <summary>
    /// Convolutions with batch norm and ReLU one after the other, the shortcut added before the last ReLU. CUDA devices take them as one
    /// operator, which stores less of what is between them.
    /// </summary>
    protected Variable Chain(Variable input, params (Conv2dLayer Conv, BatchNormLayer Norm)[] layers)
    {
        if (input.Value.Device.Kind == DeviceKind.Cuda)
        {
            ConvBatchNormReLU[] fused = [.. layers.Select(layer => layer.Conv.Fused(layer.Norm, relu: true))];
            return Variable.Apply(new ConvBatchNormChain(fused[0], fused[1], fused.ElementAtOrDefault(2)),
                [input, .. layers.SelectMany(layer => layer.Conv.Parameters(layer.Norm)), Shortcut(input)]);
        }
        Variable x = layers[..^1].Aggregate(input, (features, layer) => layer.Conv.Forward(features, layer.Norm, relu: true));
        return layers[^1].Conv.Forward(x, layers[^1].Norm, relu: true, residual: Shortcut(input));
    }

    /// <summary>The shortcut: the input, projected if the block changes shape.</summary>
    private Variable Shortcut(Variable input) => _downsample is null ? input : _downsample.Forward(input);

    private sealed class Downsample : Module
    {
        private readonly Conv2dLayer _conv;
        private readonly BatchNormLayer _norm;

        public Downsample(int inputs, int outputs, int stride, DType type) : base(type)
        {
            _conv = Register("0", new Conv2dLayer(inputs, outputs, kernel: 1, stride, padding: 0, bias: false, type));
            _norm = Register("1", new BatchNormLayer(outputs, type));
        }

        public Variable Forward(Variable input) => _conv.Forward(input, _norm, relu: false);
    }
}

/// <summary>Two 3x3 convolutions: ResNet-18 and 34.</summary>
public sealed class BasicBlock : ResidualBlock
{
    private readonly Conv2dLayer _conv1, _conv2;
    private readonly BatchNormLayer _bn1, _bn2;

    /// <summary>A block from <paramref name="inputs"/> to <paramref name="width"/> channels.</summary>
    public BasicBlock(int inputs, int width, int stride, DType type) : base(type)
    {
        _conv1 = Register("conv1", new Conv2dLayer(inputs, width, kernel: 3, stride, padding: 1, bias: false, type));
        _bn1 = Register("bn1", new BatchNormLayer(width, type));
        _conv2 = Register("conv2", new Conv2dLayer(width, width, kernel: 3, stride: 1, padding: 1, bias: false, type));
        _bn2 = Register("bn2", new BatchNormLayer(width, type));
        RegisterDownsample(inputs, width, stride);
    }

    /// <inheritdoc />
    public override Variable Forward(Variable input) => Chain(input, (_conv1, _bn1), (_conv2, _bn2));
}

/// <summary>1x1, 3x3, 1x1 convolutions, four times the width at the end, the stride on the 3x3: ResNet-50 and deeper.</summary>
public sealed class BottleneckBlock : ResidualBlock
{
    private readonly Conv2dLayer _conv1, _conv2, _conv3;
    private readonly BatchNormLayer _bn1, _bn2, _bn3;

    /// <summary>A block from <paramref name="inputs"/> to 4 x <paramref name="width"/> channels.</summary>
    public BottleneckBlock(int inputs, int width, int stride, DType type) : base(type)
    {
        _conv1 = Register("conv1", new Conv2dLayer(inputs, width, kernel: 1, stride: 1, padding: 0, bias: false, type));
        _bn1 = Register("bn1", new BatchNormLayer(width, type));
        _conv2 = Register("conv2", new Conv2dLayer(width, width, kernel: 3, stride, padding: 1, bias: false, type));
        _bn2 = Register("bn2", new BatchNormLayer(width, type));
        _conv3 = Register("conv3", new Conv2dLayer(width, 4 * width, kernel: 1, stride: 1, padding: 0, bias: false, type));
        _bn3 = Register("bn3", new BatchNormLayer(4 * width, type));
        RegisterDownsample(inputs, 4 * width, stride);
    }

    /// <inheritdoc />
    public override Variable Forward(Variable input) => Chain(input, (_conv1, _bn1), (_conv2, _bn2), (_conv3, _bn3));
}

/// <summary>
/// A ResNet without its classifier: 7x7 stem of stride 2, max pooling, four stages. Its features have strides 4, 8, 16, 32.
/// </summary>
public sealed class ResNetEncoder : Module
{
    private readonly Conv2dLayer _conv1;
    private readonly BatchNormLayer _bn1;
    private readonly ModuleList<ResidualBlock>[] _stages;

    /// <summary>An encoder of the given options.</summary>
    public ResNetEncoder(ResNetOptions options, DType type) : base(type)
    {
        _conv1 = Register("conv1", new Conv2dLayer(3, options.Width, kernel: 7, stride: 2, padding: 3, bias: false, type));
        _bn1 = Register("bn1", new BatchNormLayer(options.Width, type));
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
        x = Variable.Apply(new MaxPool2d(Kernel: 3, Stride: 2, Padding: 1), x);                         // (B, H/4, W/4, width)
        return [.. _stages.Select(stage => x = stage.Items.Aggregate(x, (features, block) => block.Forward(features)))];
    }
}
