using System.Globalization;
using System.Text.RegularExpressions;
using CsUnet.Verification;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Lab;

/// <summary>
/// The operators that the lab measures, at the shapes of cs-unet-tiny at 224 x 224 with two images, and at any other shape that is asked for.
/// A shape is sizes joined by x, an arrow to the number of output channels where there is one, and settings by name:
/// <c>6272x96->384</c>, <c>2x56x56x64->64 kernel 3 stride 1</c>, <c>2x56x56x96 window 7 heads 3 shift 3</c>.
/// </summary>
public static partial class LabCases
{
    private static readonly IReadOnlyList<Family> s_families =
    [
        .. Enum.GetValues<ActivationKind>().Select(Activation),
        new("add", "(rows x channels): a + b", ["6272x96"], (shape, _) => new("", new Add(), Exactness.Elementwise, new("a", shape.Sizes), new("b", shape.Sizes))),
        new("softmax", "(rows x classes)", ["100352x3", "6272x49"], (shape, _) => new("", new Softmax(), Exactness.Sums, In(shape.Sizes))),
        new("layer_norm", "(rows x channels)", ["6272x96", "1568x192", "392x384", "98x768"], (shape, _) => new(
            "", new LayerNorm(), Exactness.Sums, In(shape.Sizes), Weight([shape.Sizes.Last]), Bias(shape.Sizes.Last))),
        new("linear", "(rows x in->out): x W^T + bias", ["6272x96->384", "6272x384->96", "1568x192->576", "392x384->1536", "98x3072->768"],
            (shape, _) => new("", new Linear(), Exactness.Sums, In(shape.Sizes), Weight([shape.Channels, shape.Sizes.Last]), Bias(shape.Channels))),
        new("gelu_mlp", "(rows x channels->hidden): fc3(gelu(fc2(gelu(fc1 x)) + x)) of CS-UNet", ["6272x96->384", "392x384->1536"], (shape, _) => new("", new GeluMlp(), Exactness.Sums,
            In(shape.Sizes), null, Weight([shape.Channels, shape.Sizes.Last], "fc1 weight"), Bias(shape.Channels, "fc1 bias"), Weight([shape.Sizes.Last, shape.Channels], "fc2 weight"), Bias(shape.Sizes.Last, "fc2 bias"),
            Weight([shape.Sizes.Last, shape.Sizes.Last], "fc3 weight"), Bias(shape.Sizes.Last, "fc3 bias"))),
        new("window_attention", "(B x H x W x C), window, heads, shift", ["2x56x56x96 window 7 heads 3 shift 3", "2x28x28x192 window 7 heads 6 shift 0", "2x14x14x384 window 7 heads 12 shift 3"],
            Attention),
        new("conv2d", "(B x H x W x C->O), kernel, stride, groups", ["2x56x56x64->64 kernel 3", "2x56x56x256->64 kernel 1", "2x224x224x3->64 kernel 7 stride 2", "2x14x14x256->256 kernel 3"], (shape, _) =>
            new("", new Conv2d(shape["stride", 1], shape["kernel", 3] / 2, shape["groups", 1]), Exactness.Sums, In(shape.Sizes), ConvolutionWeight(shape))),
        new("conv_batch_norm_relu", "(B x H x W x C->O), kernel, stride: one operator of a ResNet in training", ["2x56x56x64->64 kernel 3", "2x56x56x256->64 kernel 1", "2x28x28x128->512 kernel 1"],
            (shape, _) => new("", new ConvBatchNormReLU(shape["stride", 1], shape["kernel", 3] / 2, shape["groups", 1]), Exactness.Sums,
                In(shape.Sizes), ConvolutionWeight(shape), Weight([shape.Channels], Fill.Positive), Bias(shape.Channels),
                Statistics("running mean", shape.Channels, Fill.Normal), Statistics("running variance", shape.Channels, Fill.Positive))),
        new("conv_batch_norm_chain", "(B x H x W x C->O), kernel: two convolutions with batch norm and ReLU and a shortcut, a residual block", ["2x56x56x64->64 kernel 3"],
            (shape, _) => new("", new ConvBatchNormChain(new(1, shape["kernel", 3] / 2), new(1, shape["kernel", 3] / 2)), Exactness.Sums,
            [
                In(shape.Sizes), ConvolutionWeight(shape), .. Norm(shape.Channels),
                Weight([shape.Channels, shape["kernel", 3], shape["kernel", 3], shape.Channels], "second convolution weight"), .. Norm(shape.Channels, "second "),
                new("residual", shape.Sizes.WithLast(shape.Channels)),
            ])),
        new("batch_norm", "(B x H x W x C): training", ["2x56x56x256"], (shape, _) => new("", new BatchNorm(), Exactness.Sums,
            In(shape.Sizes), Weight([shape.Sizes.Last], Fill.Positive), Bias(shape.Sizes.Last),
            Statistics("running mean", shape.Sizes.Last, Fill.Normal), Statistics("running variance", shape.Sizes.Last, Fill.Positive))),
        new("max_pool2d", "(B x H x W x C): 3 x 3, stride 2", ["2x112x112x64"], (shape, _) => new("", new MaxPool2d(3, 2, 1), Exactness.Elementwise, In(shape.Sizes))),
        new("patch_merge_norm", "(B x H x W x C): patch merging with its layer norm", ["2x56x56x96"], (shape, _) => new("", new PatchMergeNorm(), Exactness.Sums,
            In(shape.Sizes), Weight([4 * shape.Sizes.Last]), Bias(4 * shape.Sizes.Last))),
        new("pixel_shuffle_norm", "(B x H x W x C), scale: patch expanding with its layer norm", ["2x56x56x1536 scale 4"], (shape, _) => new("", new PixelShuffleNorm(shape["scale", 2]), Exactness.Sums,
            In(shape.Sizes), Weight([shape.Sizes.Last / shape["scale", 2] / shape["scale", 2]]), Bias(shape.Sizes.Last / shape["scale", 2] / shape["scale", 2]))),
        new("cross_entropy_dice", "(pixels x classes)", ["100352x3"], (shape, _) => new("", new CrossEntropyDice(0.5, 0.5), Exactness.Sums, In(shape.Sizes), Labels(shape))),
        new("patch_merge", "(B x H x W x C)", ["2x56x56x96"], (shape, _) => new("", new PatchMerge(), Exactness.Moves, In(shape.Sizes))),
        new("pixel_shuffle", "(B x H x W x C), scale", ["2x56x56x1536 scale 4"], (shape, _) => new("", new PixelShuffle(shape["scale", 2]), Exactness.Moves, In(shape.Sizes))),
    ];

    /// <summary>The operators' names, with what their shapes mean.</summary>
    public static IReadOnlyList<(string Name, string Help)> Operators { get; } = [.. s_families.Select(family => (family.Name, family.Help))];

    /// <summary>The cases at the usual shapes of the operator of a name, or else of every operator whose name matches a <see cref="NamePattern"/>.</summary>
    /// <param name="pattern">The pattern; null for all.</param>
    public static IReadOnlyList<LabCase> Matching(string? pattern) =>
    [
        .. new NamePattern(pattern).Choose(s_families, family => family.Name)
            .SelectMany(family => family.Shapes.Select(shape => Create(family.Name, shape))),
    ];

    /// <summary>An operator at a shape.</summary>
    /// <param name="op">Its name, one of <see cref="Operators"/>.</param>
    /// <param name="shape">The shape as text.</param>
    /// <exception cref="ArgumentException">There is no such operator, or the text is no shape of it.</exception>
    public static LabCase Create(string op, string shape)
    {
        Family family = s_families.FirstOrDefault(candidate => candidate.Name == op)
            ?? throw new ArgumentException($"the lab has no operator '{op}'; it has {string.Join(", ", s_families.Select(candidate => candidate.Name))}");
        ShapeText parsed = Parse(family, shape);
        OperatorCase made = family.Create(parsed, shape) with { Label = shape };
        return new LabCase(op, shape, made, Compositions.Of(made.Op));
    }

    private static ShapeText Parse(Family family, string text)
    {
        Match match = ShapePattern().Match(text.Trim());
        if (!match.Success)
            throw new ArgumentException($"{family.Name}: shape '{text}' cannot be read; expected {family.Help}, for example {family.Shapes[0]}");
        int[] sizes = [.. match.Groups["size"].Captures.Select(capture => int.Parse(capture.Value, CultureInfo.InvariantCulture))];
        var settings = match.Groups["name"].Captures.Zip(match.Groups["value"].Captures)
            .ToDictionary(pair => pair.First.Value, pair => int.Parse(pair.Second.Value, CultureInfo.InvariantCulture), StringComparer.Ordinal);
        int channels = match.Groups["out"].Success ? int.Parse(match.Groups["out"].Value, CultureInfo.InvariantCulture) : 0;
        bool wantsChannels = family.Shapes[0].Contains("->", StringComparison.Ordinal);
        if (sizes.Contains(0) || wantsChannels != channels > 0 || (family.Shapes[0].Count(c => c == 'x') == 3) != (sizes.Length == 4))
            throw new ArgumentException($"{family.Name}: shape '{text}' does not fit; expected {family.Help}, for example {family.Shapes[0]}");
        return new ShapeText(new Shape(sizes), channels, settings);
    }

    private static Family Activation(ActivationKind kind) => new(
        SnakeCase(kind.ToString()), $"(rows x channels): the activation {kind}", ["6272x384"], (shape, _) => OperatorCases.Activation(kind, shape.Sizes));

    private static string SnakeCase(string name) => WordStart().Replace(name, "_").ToLowerInvariant();

    private static OperatorCase Attention(ShapeText shape, string text)
    {
        int window = shape["window", 7], heads = shape["heads", Math.Max(1, shape.Sizes.Last / 32)], channels = shape.Sizes.Last;
        if (shape.Sizes[1] % window != 0 || shape.Sizes[2] % window != 0 || channels % heads != 0)
            throw new ArgumentException($"window_attention: shape '{text}' does not fit: sides must be multiples of window {window}, channels of {heads} heads");
        return new("", new WindowAttention(window, heads, shape["shift", 0]), Exactness.Sums,
            new("qkv", shape.Sizes.WithLast(3 * channels)), new("bias table", [(2 * window - 1) * (2 * window - 1), heads], Role: InputRole.Parameter));
    }

    private static OperatorInput In(Shape shape, Fill fill = Fill.Normal) => new("input", shape, fill);

    private static OperatorInput Weight(Shape shape, string name) => new(name, shape, Fill.FanIn, Role: InputRole.MatrixWeight);

    private static OperatorInput Weight(Shape shape, Fill fill = Fill.Normal) => shape.Rank > 1
        ? Weight(shape, "weight")
        : new("weight", shape, fill, Role: InputRole.Parameter);

    private static OperatorInput Bias(int count, string name = "bias") => new(name, [count], Role: InputRole.Parameter);

    private static OperatorInput Statistics(string name, int count, Fill fill) => new(name, [count], fill, NeedsGradient: false, Role: InputRole.Parameter);

    private static OperatorInput[] Norm(int count, string prefix = "") =>
    [
        new($"{prefix}weight", [count], Fill.Positive, Role: InputRole.Parameter), Bias(count, $"{prefix}bias"),
        Statistics($"{prefix}running mean", count, Fill.Normal), Statistics($"{prefix}running variance", count, Fill.Positive),
    ];

    private static OperatorInput ConvolutionWeight(ShapeText shape) => Weight(
        [shape.Channels, shape["kernel", 3], shape["kernel", 3], shape.Sizes.Last / shape["groups", 1]], "convolution weight");

    private static OperatorInput Labels(ShapeText shape) => new("labels", [shape.Sizes.Rows], Fill.ByteLabels, NeedsGradient: false, shape.Sizes.Last);

    private sealed record Family(string Name, string Help, IReadOnlyList<string> Shapes, Func<ShapeText, string, OperatorCase> Create);

    private sealed record ShapeText(Shape Sizes, int Channels, IReadOnlyDictionary<string, int> Settings)
    {
        public int this[string name, int otherwise] => Settings.GetValueOrDefault(name, otherwise);
    }

    [GeneratedRegex(@"^(?<size>\d{1,9})(x(?<size>\d{1,9}))*(->(?<out>\d{1,6}))?(\s+(?<name>[a-z]+)\s+(?<value>\d{1,6}))*$")]
    private static partial Regex ShapePattern();

    // A capital that a small letter precedes and another one follows.
    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z][a-z])")]
    private static partial Regex WordStart();
}
