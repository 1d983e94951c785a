using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Families of shapes for random search, small enough for the emulated device to run in a second. An operator without a family here is
/// searched with the shapes of its cases and other dimensions: see <see cref="ShapeRenaming"/>.
/// </summary>
internal static class ShapeFamilies
{
    private static readonly ShapeParameter s_batch = new("B", 1, 3), s_height = new("H", 1, 13), s_width = new("W", 1, 13);

    /// <summary>All families: one per operator, or one per case of an operator without a family.</summary>
    public static IReadOnlyList<ShapeFamily> All { get; } = Create();

    private static ShapeParameter Channels(string name = "C", int minimum = 1) => new(name, minimum, 40, 8, 16, 32, 33, 64);

    private static OperatorInput Input(Shape shape, Fill fill = Fill.Normal) => new("input", shape, fill);

    private static OperatorInput Weight(Shape shape) => new("weight", shape, Role: InputRole.MatrixWeight);

    private static OperatorInput Scale(int count, Fill fill = Fill.Normal) => new("weight", [count], fill, Role: InputRole.Parameter);

    private static OperatorInput Bias(int count) => new("bias", [count], Role: InputRole.Parameter);

    private static OperatorInput Fixed(string name, int count, Fill fill) => new(name, [count], fill, NeedsGradient: false, Role: InputRole.Parameter);

    private static ShapeFamily[] Create()
    {
        ShapeFamily[] families =
        [
            new("Linear", [new("rows", 1, 70, 64, 65), Channels("in"), Channels("out"), new("bias", 0, 1)], v =>
                new("", new Linear(), Exactness.Sums, Input([v[0], v[1]]), Weight([v[2], v[1]]), v[3] == 1 ? Bias(v[2]) : null)),
            new("Conv2d", ConvolutionParameters(new ShapeParameter("bias", 0, 1)), v => Convolution(v) is not ({ } input, { } weight) ? null
                : new("", new Conv2d(v[7], v[8], v[3]), Exactness.Sums, Input(input), Weight(weight), v[9] == 1 ? Bias(weight[0]) : null)),
            new("ConvBatchNormReLU", ConvolutionParameters(new("relu", 0, 1), new("residual", 0, 1), new("training", 0, 1)), ConvolutionNorm),
            .. Norms(), .. Elementwise(), .. Rearrangements(), .. Losses(),
            new("WindowAttention",
                [s_batch, new("windowsY", 1, 3), new("windowsX", 1, 3), new("window", 1, 8, 7, 8), new("heads", 1, 3), new("headDim", 1, 20, 8, 16, 32), new("shift", 0, 4)],
                v => v[6] >= Math.Max(1, v[3]) || v[3] * v[3] * v[1] * v[2] > 200 || v[1] * v[2] * v[3] < 2 ? null
                    : new("", new WindowAttention(v[3], v[4], v[6]), Exactness.Sums,
                        new("qkv", [v[0], v[1] * v[3], v[2] * v[3], 3 * v[4] * v[5]]),
                        new("bias table", [(2 * v[3] - 1) * (2 * v[3] - 1), v[4]], Role: InputRole.Parameter))),
        ];
        // In a chain some ReLU is always so close to its kink that differences cannot decide; search its layers individually.
        HashSet<string> known = [.. families.Select(family => family.Op), nameof(ConvBatchNormChain)];
        return [.. families, .. OperatorCases.All.Where(item => !known.Contains(item.Op.Name) && ShapeRenaming.IsPossible(item)).Select(ShapeRenaming.Of)];
    }

    private static IReadOnlyList<ShapeParameter> ConvolutionParameters(params ShapeParameter[] more) =>
    [
        s_batch, s_height, s_width, new("groups", 1, 4), new("inPerGroup", 1, 20, 3, 16, 32), new("outPerGroup", 1, 20, 8, 16, 32),
        new("kernel", 1, 7, 1, 3), new("stride", 1, 4, 1, 2), new("padding", 0, 3), .. more,
    ];

    private static (Shape Input, Shape Weight)? Convolution(IReadOnlyList<int> v)
    {
        int kernel = v[6], padding = v[8];
        return padding >= kernel || v[1] + 2 * padding < kernel || v[2] + 2 * padding < kernel || v[3] * Math.Max(v[4], v[5]) > 64
            ? null
            : (new Shape(v[0], v[1], v[2], v[3] * v[4]), new Shape(v[3] * v[5], kernel, kernel, v[4]));
    }

    private static OperatorCase? ConvolutionNorm(IReadOnlyList<int> v)
    {
        if (Convolution(v) is not ({ } input, { } weight))
            return null;
        int Output(int size) => (size + 2 * v[8] - v[6]) / v[7] + 1;
        Shape output = [v[0], Output(v[1]), Output(v[2]), weight[0]];
        // Few rows have variances near 0, which nothing computes exactly.
        if (output.Rows < 8)
            return null;
        return new("", new ConvBatchNormReLU(v[7], v[8], v[3], ReLU: v[9] == 1, Training: v[11] == 1), Exactness.Sums,
            Input(input), new("convolution weight", weight, Role: InputRole.MatrixWeight), Scale(weight[0], Fill.Positive), Bias(weight[0]),
            Fixed("running mean", weight[0], Fill.Normal), Fixed("running variance", weight[0], Fill.Positive),
            v[10] == 1 ? new("residual", output) : null);
    }

    private static IEnumerable<ShapeFamily> Norms()
    {
        // Few channels or rows have variances near 0, which nothing computes exactly.
        yield return new("LayerNorm", [new("rows", 1, 70, 64, 65), Channels(minimum: 6)], v =>
            new("", new LayerNorm(), Exactness.Sums, Input([v[0], v[1]]), Scale(v[1]), Bias(v[1])));
        yield return new("PatchMergeNorm", [s_batch, new("halfH", 1, 7), new("halfW", 1, 7), Channels(minimum: 2)], v =>
            new("", new PatchMergeNorm(), Exactness.Sums, Input([v[0], 2 * v[1], 2 * v[2], v[3]]), Scale(4 * v[3]), Bias(4 * v[3])));
        yield return new("PixelShuffleNorm", [s_batch, new("H", 1, 5), new("W", 1, 5), new("C", 6, 16, 8), new("factor", 1, 4, 2, 4)], v =>
            new("", new PixelShuffleNorm(v[4]), Exactness.Sums, Input([v[0], v[1], v[2], v[3] * v[4] * v[4]]), Scale(v[3]), Bias(v[3])));
        yield return new("BatchNorm", [s_batch, s_height, s_width, Channels(), new("training", 0, 1)], v => v[0] * v[1] * v[2] < 8 ? null
            : new("", new BatchNorm(Training: v[4] == 1), Exactness.Sums, Input([v[0], v[1], v[2], v[3]]), Scale(v[3], Fill.Positive), Bias(v[3]),
                Fixed("running mean", v[3], Fill.Normal), Fixed("running variance", v[3], Fill.Positive)));
        yield return new("Softmax", [new("rows", 1, 70), Channels(minimum: 2)], v => new("", new Softmax(), Exactness.Sums, Input([v[0], v[1]])));
    }

    private static IEnumerable<ShapeFamily> Elementwise()
    {
        IReadOnlyList<ShapeParameter> map = [s_batch, s_height, s_width, Channels()];
        static Shape Map(IReadOnlyList<int> v) => [v[0], v[1], v[2], v[3]];
        yield return new("Activation", [.. map, new("kind", 0, Enum.GetValues<ActivationKind>().Length - 1)],
            v => OperatorCases.Activation((ActivationKind)v[4], Map(v)));
        yield return new("Add", map, v => new("", new Add(), Exactness.Elementwise, new("a", Map(v)), new("b", Map(v))));
        yield return new("Multiply", map, v => new("", new Multiply(), Exactness.Elementwise, new("a", Map(v)), new("b", Map(v))));
        yield return new("Scale", map, v => new("", new Scale(-1.5), Exactness.Elementwise, Input(Map(v))));
        yield return new("Dropout", map, v => new("", new Dropout(0.5, new RandomKey(3, 1, 2)), Exactness.Elementwise, Input(Map(v))));
        yield return new("DropPath", map, v => new("", new DropPath(0.5, new RandomKey(3, 1, 2)), Exactness.Elementwise, Input(Map(v))));
    }

    private static IEnumerable<ShapeFamily> Rearrangements()
    {
        yield return new("MaxPool2d", [s_batch, s_height, s_width, Channels(), new("kernel", 1, 4, 2, 3), new("stride", 1, 3, 2), new("padding", 0, 1)], v =>
            2 * v[6] > v[4] || v[1] + 2 * v[6] < v[4] || v[2] + 2 * v[6] < v[4] ? null
                : new("", new MaxPool2d(v[4], v[5], v[6]), Exactness.Elementwise, Input([v[0], v[1], v[2], v[3]], Fill.Distinct)));
        yield return new("PatchMerge", [s_batch, new("halfH", 1, 7), new("halfW", 1, 7), Channels()], v =>
            new("", new PatchMerge(), Exactness.Moves, Input([v[0], 2 * v[1], 2 * v[2], v[3]])));
        yield return new("PixelShuffle", [s_batch, new("H", 1, 7), new("W", 1, 7), new("C", 1, 16, 8), new("factor", 1, 4, 2, 4)], v =>
            new("", new PixelShuffle(v[4]), Exactness.Moves, Input([v[0], v[1], v[2], v[3] * v[4] * v[4]])));
        yield return new("Concat", [s_batch, new("H", 1, 7), new("W", 1, 7), Channels("a"), Channels("b"), Channels("c")], v =>
            new("", new Concat(), Exactness.Moves, [.. "abc".Select((name, i) => new OperatorInput($"{name}", [v[0], v[1], v[2], v[3 + i]]))]));
        yield return new("Pad2d", [s_batch, s_height, s_width, Channels(), new("bottom", 0, 4), new("right", 0, 4)], v =>
            new("", new Pad2d(v[4], v[5]), Exactness.Moves, Input([v[0], v[1], v[2], v[3]])));
        yield return new("Crop2d", [s_batch, s_height, s_width, Channels(), new("toH", 1, 13), new("toW", 1, 13)], v => v[4] > v[1] || v[5] > v[2] ? null
            : new("", new Crop2d(v[4], v[5]), Exactness.Moves, Input([v[0], v[1], v[2], v[3]])));
        yield return new("Reshape", [s_batch, s_height, Channels()], v =>
            new("", new Reshape([v[0] * v[1], v[2]]), Exactness.Moves, Input([v[0], v[1], v[2]])));
        yield return new("Resize", [s_batch, s_height, s_width, Channels(), new("toH", 1, 17), new("toW", 1, 17), new("mode", 0, Enum.GetValues<ResizeMode>().Length - 1)], v =>
            new("", new Resize(v[4], v[5], (ResizeMode)v[6]), Exactness.Sums, Input([v[0], v[1], v[2], v[3]])));
    }

    private static IEnumerable<ShapeFamily> Losses()
    {
        const int Ignore = 255;
        IReadOnlyList<ShapeParameter> map = [s_batch, s_height, s_width, new("classes", 2, 20, 3), new("long", 0, 1), new("ignore", 0, 1), new("terms", 0, 2)];
        static OperatorInput Logits(IReadOnlyList<int> v) => new("logits", [v[0], v[1], v[2], v[3]]);
        static OperatorInput Labels(IReadOnlyList<int> v) => new("labels", [v[0], v[1], v[2]],
            v[4] == 1 ? Fill.LongLabels : Fill.ByteLabels, NeedsGradient: false, v[3], v[5] == 1 ? Ignore : null);
        yield return new("CrossEntropyDice", map, v =>
            new("", new CrossEntropyDice(v[6] == 1 ? 0 : 0.3, v[6] == 2 ? 0 : 0.7, null, 1, v[5] == 1 ? Ignore : null), Exactness.Sums,
                Logits(v), Labels(v)));
    }
}
