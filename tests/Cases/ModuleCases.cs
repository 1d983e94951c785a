using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Models;
using CsUnet.Tensors;

namespace CsUnet.Cases;

/// <summary>A function of variables, ready for a gradient check.</summary>
/// <param name="Function">Computes the output.</param>
/// <param name="Arguments">What it is differentiated by.</param>
/// <param name="Names">The arguments' names, with their paths.</param>
public sealed record DifferentiableCase(Func<Variable> Function, IReadOnlyList<Variable> Arguments, IReadOnlyList<string> Names);

/// <summary>Modules of the network, and the whole network at a small size, in double, with parameters by <see cref="Formula"/>.</summary>
public static class ModuleCases
{
    private const DType Double = DType.Float64;

    /// <summary>The modules by name.</summary>
    public static IReadOnlyList<(string Name, Func<DifferentiableCase> Create)> Modules { get; } =
    [
        ("WindowAttentionLayer shifted, padded", () =>
        {
            var module = new WindowAttentionLayer(6, window: 3, heads: 2, Double);
            return Create(module, [2, 5, 7, 6], input => module.Forward(input, shift: 1));
        }),
        ("SwinBlock 6x8 window 4", () => Block(6, 8, 4, shifted: false, MlpKind.Mlp, dropPath: 0)),
        ("SwinBlock 5x7 window 3 shifted, padded", () => Block(5, 7, 3, shifted: true, MlpKind.ResMlp, dropPath: 0)),
        ("SwinBlock 2x6 window 4, smaller than the window", () => Block(2, 6, 4, shifted: true, MlpKind.ResMlp, dropPath: 0)),
        ("SwinBlock with DropPath", () => Block(4, 4, 2, shifted: true, MlpKind.ResMlp, dropPath: 0.5)),
        ("PatchEmbed", () =>
        {
            var module = new PatchEmbed(5, Double);
            return Create(module, [2, 8, 12, 3], module.Forward);
        }),
        ("PatchMerging", () =>
        {
            var module = new PatchMerging(3, Double);
            return Create(module, [1, 4, 6, 3], module.Forward);
        }),
        ("PatchExpand x2", () =>
        {
            var module = new PatchExpand(10, 5, scale: 2, Double);
            return Create(module, [2, 3, 2, 10], module.Forward);
        }),
        ("PatchExpand x4", () =>
        {
            var module = new PatchExpand(5, 5, scale: 4, Double);
            return Create(module, [1, 3, 2, 5], module.Forward);
        }),
        ("BasicBlock", () => Residual(new BasicBlock(5, 5, stride: 1, Double), training: true)),
        ("BasicBlock stride 2", () => Residual(new BasicBlock(5, 6, stride: 2, Double), training: true)),
        ("BasicBlock evaluation", () => Residual(new BasicBlock(5, 6, stride: 2, Double), training: false)),
        ("BottleneckBlock", () => Residual(new BottleneckBlock(5, 3, stride: 1, Double), training: true)),
        ("BottleneckBlock stride 2", () => Residual(new BottleneckBlock(5, 3, stride: 2, Double), training: true)),
        ("ResNetEncoder", () =>
        {
            var module = new ResNetEncoder(new ResNetOptions(ResidualBlockKind.Basic, [1, 1, 1, 1], Width: 3), Double);
            return Create(module, [2, 64, 96, 3], input => Flatten(module.Forward(input)));
        }),
    ];

    /// <summary>The whole network by name.</summary>
    public static IReadOnlyList<(string Name, Func<DifferentiableCase> Create)> Networks { get; } =
    [
        ("CsUnet training", () => Network(training: true)),
        ("CsUnet evaluation", () => Network(training: false)),
    ];

    /// <summary>The network of a preset at 64 x 64, in training: 2 x 2 pixels at stride 32, so that batch norm has eight of them.</summary>
    /// <exception cref="ArgumentException">There is no such preset.</exception>
    public static DifferentiableCase Preset(string name)
    {
        var module = new CsUnetModel(CsUnetOptions.Preset(name, 64, 64, classes: 3), Double);
        module.SetRandomKey(seed: 5, step: 1);
        return Create(module, [2, 64, 64, 3], module.Forward);
    }

    private static DifferentiableCase Block(int height, int width, int window, bool shifted, MlpKind mlp, double dropPath)
    {
        var module = new SwinBlock(6, height, width, window, heads: 2, shifted, mlpRatio: 2, mlp, dropPath, Double);
        module.SetRandomKey(seed: 5, step: 1);
        return Create(module, [4, height, width, 6], module.Forward);
    }

    private static DifferentiableCase Residual(ResidualBlock module, bool training)
    {
        module.Train(training);
        return Create(module, [2, 6, 8, 5], module.Forward);
    }

    private static DifferentiableCase Network(bool training)
    {
        // 64 x 96 leaves 2 x 3 pixels at stride 32, so that batch norm has 12 of them; windows of 4 give shifted, unshifted and small ones.
        var module = new CsUnetModel(new CsUnetOptions
        {
            Height = 64, Width = 96, Classes = 3, EmbedDim = 8, Depths = [2, 1, 2, 1], Heads = [1, 2, 2, 4], Window = 4, MlpRatio = 2,
            DropPath = 0.3, Cnn = new ResNetOptions(ResidualBlockKind.Bottleneck, [1, 1, 1, 1], Width: 3),
        }, Double);
        module.SetRandomKey(seed: 5, step: 1);
        module.Train(training);
        return Create(module, [2, 64, 96, 3], module.Forward);
    }

    private static DifferentiableCase Create(Module module, Shape input, Func<Variable, Variable> forward)
    {
        foreach ((string name, Parameter parameter) in module.NamedParameters())
        {
            parameter.Value.CopyFrom(Layout.ToChannelsLast(Formula.Parameter(name, Layout.ChannelsFirst(parameter.Shape), Double)));
        }
        var leaf = new Variable(Formula.Input("input", input, Double), requiresGradient: true, "input");
        return new DifferentiableCase(() => forward(leaf), [leaf, .. module.Parameters()],
            ["input", .. module.NamedParameters().Select(named => named.Name)]);
    }

    /// <summary>Outputs of several shapes as one row, so that a check sees them all.</summary>
    private static Variable Flatten(Variable[] outputs) => Variable.Apply(
        new Concat(), [.. outputs.Select(output => Variable.Apply(new Reshape([1, checked((int)output.Value.Count)]), output))]);
}
