using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Modules of the network, and the whole network at a small size, in an element type on a device, with parameters by <see cref="Formula"/>.
/// </summary>
public static class ModuleCases
{
    // The buffer that tells a batch norm.
    private const string Mean = "running_mean";

    /// <summary>The modules by name.</summary>
    public static IReadOnlyList<(string Name, Func<DType, Device, DifferentiableCase> Create)> Modules { get; } =
    [
        ("WindowAttention shifted, padded", (type, device) =>
        {
            var module = new WindowAttention(6, window: 3, heads: 2, type);
            return Create(module, device, [2, 5, 7, 6], input => module.Forward(input, shift: 1));
        }),
        ("SwinBlock 6x8 window 4", (type, device) => Block(type, device, 6, 8, 4, shifted: false, MlpKind.Mlp, dropPath: 0)),
        ("SwinBlock 5x7 window 3 shifted, padded", (type, device) =>
            Block(type, device, 5, 7, 3, shifted: true, MlpKind.ResMlp, dropPath: 0)),
        ("SwinBlock 2x6 window 4, smaller than the window", (type, device) =>
            Block(type, device, 2, 6, 4, shifted: true, MlpKind.ResMlp, dropPath: 0)),
        ("SwinBlock with DropPath", (type, device) => Block(type, device, 4, 4, 2, shifted: true, MlpKind.ResMlp, dropPath: 0.5)),
        ("PatchEmbed", (type, device) =>
        {
            var module = new PatchEmbed(5, type);
            return Create(module, device, [2, 8, 12, 3], module.Forward);
        }),
        ("PatchMerging", (type, device) =>
        {
            var module = new PatchMerging(3, type);
            return Create(module, device, [1, 4, 6, 3], module.Forward);
        }),
        ("PatchExpand x2", (type, device) =>
        {
            var module = new PatchExpand(10, 5, scale: 2, type);
            return Create(module, device, [2, 3, 2, 10], module.Forward);
        }),
        ("PatchExpand x4", (type, device) =>
        {
            var module = new PatchExpand(5, 5, scale: 4, type);
            return Create(module, device, [1, 3, 2, 5], module.Forward);
        }),
        ("BasicBlock", (type, device) => Residual(device, new BasicBlock(5, 5, stride: 1, type), training: true)),
        ("BasicBlock stride 2", (type, device) => Residual(device, new BasicBlock(5, 6, stride: 2, type), training: true)),
        ("BasicBlock evaluation", (type, device) => Residual(device, new BasicBlock(5, 6, stride: 2, type), training: false)),
        ("BottleneckBlock", (type, device) => Residual(device, new BottleneckBlock(5, 3, stride: 1, type), training: true)),
        ("BottleneckBlock stride 2", (type, device) => Residual(device, new BottleneckBlock(5, 3, stride: 2, type), training: true)),
        ("ResNet", (type, device) =>
        {
            var module = new ResNet(new ResNetOptions(ResidualBlockKind.Basic, [1, 1, 1, 1], Width: 3), type);
            return Create(module, device, [2, 64, 96, 3], input => Flatten(module.Forward(input)));
        }),
    ];

    /// <summary>The whole network by name.</summary>
    public static IReadOnlyList<(string Name, NetworkFactory Create)> Networks { get; } =
    [
        ("CsUnet training", (type, precision, device) => Network(CsUnet(), type, precision, device, training: true)),
        ("CsUnet evaluation", (type, precision, device) => Network(CsUnet(), type, precision, device, training: false)),
        ("UNet training", (type, precision, device) => Network(UNet(), type, precision, device, training: true)),
        ("UNet evaluation", (type, precision, device) => Network(UNet(), type, precision, device, training: false)),
    ];

    /// <summary>
    /// The network of a preset on four images of 64 x 64, in training: 2 x 2 pixels at stride 32 give batch norm 16 values. Among its
    /// million rectified values some are so close to 0 that float32 rounding switches them, hence <see cref="WithSteadyNorms"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The preset does not exist.</exception>
    public static DifferentiableCase Preset(string name, DType type, Precision precision, Device device)
    {
        SegmentationModel module = SegmentationModels.Preset(name, 64, 64, classes: 3).Create(type);
        module.Precision = precision;
        module.SetRandomKey(seed: 5, step: 1);
        return WithSteadyNorms(Create(module, device, [4, 64, 64, 3], module.Forward));
    }

    /// <summary>
    /// A network in which rounding does not switch rectifiers: every batch norm scales by about 0.1 and adds about 1 to even channels and
    /// -1 to odd ones, so that a channel is rectified everywhere or nowhere.
    /// </summary>
    public static DifferentiableCase WithSteadyNorms(DifferentiableCase item)
    {
        foreach ((Variable argument, string name) in item.Arguments.Zip(item.Names))
            if (item.BatchNorms.Any(norm => name == $"{norm}weight" || name == $"{norm}bias"))
                argument.Value.CopyFrom(OfSteadyNorm(argument.Value.To(Device.Cpu),
                    isScale: name.EndsWith("weight", StringComparison.Ordinal)));
        return item;
    }

    private static Tensor OfSteadyNorm(Tensor parameter, bool isScale)
    {
        Tensor values = parameter.Clone();
        for (long i = 0; i < values.Count; i++)
            values[i] = (float)(isScale ? 0.1 * values[i] : values[i] + (i % 2 == 0 ? 1 : -1));
        return values;
    }

    private static DifferentiableCase Block(DType type, Device device, int height, int width, int window, bool shifted, MlpKind mlp,
        double dropPath)
    {
        var module = new SwinBlock(6, height, width, window, heads: 2, shifted, mlpRatio: 2, mlp, dropPath, type);
        module.SetRandomKey(seed: 5, step: 1);
        return Create(module, device, [4, height, width, 6], module.Forward);
    }

    private static DifferentiableCase Residual(Device device, ResidualBlock module, bool training)
    {
        module.Train(training);
        return Create(module, device, [2, 6, 8, 5], module.Forward);
    }

    // 64 x 96 leaves 2 x 3 pixels at stride 32, so batch norm has 12 values; windows of 4 give shifted, unshifted and small windows.
    private static CsUnetOptions CsUnet() => new()
    {
        Height = 64, Width = 96, Classes = 3, EmbedDim = 8, Depths = [2, 1, 2, 1], Heads = [1, 2, 2, 4], Window = 4, MlpRatio = 2,
        DropPath = 0.3, Cnn = new ResNetOptions(ResidualBlockKind.Bottleneck, [1, 1, 1, 1], Width: 3),
    };

    private static UNetOptions UNet() => new()
    {
        Height = 64, Width = 96, Classes = 3, Encoder = new ResNetOptions(ResidualBlockKind.Basic, [1, 1, 1, 1], Width: 4),
        DecoderChannels = [12, 8, 6, 5, 4],
    };

    private static DifferentiableCase Network(ModelOptions options, DType type, Precision precision, Device device, bool training)
    {
        SegmentationModel module = options.Create(type);
        module.Precision = precision;
        module.SetRandomKey(seed: 5, step: 1);
        module.Train(training);
        return Create(module, device, [2, options.Height, options.Width, 3], module.Forward);
    }

    private static DifferentiableCase Create(Module module, Device device, Shape input, Func<Variable, Variable> forward)
    {
        module.To(device);
        Formula.Fill(module);
        var leaf = new Variable(Formula.Input("input", input, module.DType).To(device), requiresGradient: true, "input");
        return new DifferentiableCase(() => forward(leaf), [leaf, .. module.Parameters()],
            ["input", .. module.NamedParameters().Select(named => named.Name)])
        {
            BatchNorms = [.. module.NamedBuffers().Where(buffer => buffer.Name.EndsWith(Mean, StringComparison.Ordinal))
                .Select(buffer => buffer.Name[..^Mean.Length])],
        };
    }

    /// <summary>Outputs of several shapes flattened into one row, so that one check covers all.</summary>
    private static Variable Flatten(Variable[] outputs) => Variable.Apply(
        new Kernels.Concat(),
        [.. outputs.Select(output => Variable.Apply(new Kernels.Reshape([1, checked((int)output.Value.Count)]), output))]);
}
