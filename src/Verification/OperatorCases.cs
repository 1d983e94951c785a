using CsUnet.Kernels;
using CsUnet.Models.Encoders;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// The cases of every operator, small enough for a gradient check of each entry: H != W, batch 1, channels that are not a multiple of a
/// vector's width, and enough rows to reach both vectorised loops and their remainders.
/// </summary>
public static class OperatorCases
{
    private const int Ignore = 255;

    /// <summary>All cases, by operator.</summary>
    public static IReadOnlyList<OperatorCase> All { get; } =
    [
        .. Dense(), .. Convolutions(), .. Chains(), .. Norms(), .. Activations(), .. Rearrangements(), .. Attention(), .. Losses(),
    ];

    private static OperatorInput In(Shape shape, Fill fill = Fill.Normal) => new("input", shape, fill);

    private static OperatorInput Weight(Shape shape) => new("weight", shape, Role: InputRole.MatrixWeight);

    private static OperatorInput Scale(int count, Fill fill = Fill.Normal) => new("weight", [count], fill, Role: InputRole.Parameter);

    private static OperatorInput Bias(int count) => new("bias", [count], Role: InputRole.Parameter);

    private static OperatorInput RunningMean(int count) => new("running mean", [count], NeedsGradient: false, Role: InputRole.Parameter);

    private static OperatorInput RunningVariance(int count) =>
        new("running variance", [count], Fill.Positive, NeedsGradient: false, Role: InputRole.Parameter);

    private static IEnumerable<OperatorCase> Dense()
    {
        yield return new("(2,3,5,7)->9", new Kernels.Linear(), Exactness.Sums, In([2, 3, 5, 7]), Weight([9, 7]), Bias(9));
        yield return new("(1,33)->17 no bias", new Kernels.Linear(), Exactness.Sums, In([1, 33]), Weight([17, 33]));
        yield return new("(70,40)->24", new Kernels.Linear(), Exactness.Sums, In([70, 40]), Weight([24, 40]), Bias(24));
        yield return new("(3,1)->1", new Kernels.Linear(), Exactness.Sums, In([3, 1]), Weight([1, 1]), Bias(1));
        yield return new("(300,8)->16, many rows", new Kernels.Linear(), Exactness.Sums, In([300, 8]), Weight([16, 8]), Bias(16));
        yield return new("(3,260)->8, long rows", new Kernels.Linear(), Exactness.Sums, In([3, 260]), Weight([8, 260]), Bias(8));
        var drop = new DropPath(0.5, new RandomKey(3, 1, 2));
        foreach ((int inputs, int outputs) in new[] { (8, 16), (5, 3) })
        {
            Shape input = [6, 4, 3, inputs];
            yield return new($"{input}->{outputs} residual", new Kernels.Linear(), Exactness.Sums,
                In(input), Weight([outputs, inputs]), Bias(outputs), Residual(input.WithLast(outputs)));
            yield return new($"{input}->{outputs} residual, half dropped", new Kernels.Linear(drop), Exactness.Sums,
                In(input), Weight([outputs, inputs]), Bias(outputs), Residual(input.WithLast(outputs)));
            yield return new($"{input}->{outputs} half dropped, no bias", new Kernels.Linear(drop), Exactness.Sums, In(input), Weight([outputs, inputs]));
        }
        yield return Mlp("two layers (2,3,5,8)->16->24", null, [2, 3, 5, 8], null, 16, 24);
        yield return Mlp("two layers residual, half dropped (5,3,7)->9->6", drop, [5, 3, 7], [5, 3, 6], 9, 6);
        yield return Mlp("three layers (3,20,8)->16->8->8", null, [3, 20, 8], null, 16, 8, 8);
        yield return Mlp("three layers residual (1,4,6,8)->32->8->8", null, [1, 4, 6, 8], [1, 4, 6, 8], 32, 8, 8);
        yield return Mlp("three layers residual, half dropped (6,2,3,5)->7->5->4", drop, [6, 2, 3, 5], [6, 2, 3, 4], 7, 5, 4);
    }

    private static OperatorInput Residual(Shape shape) => new("residual", shape);

    private static OperatorCase Mlp(string label, DropPath? dropPath, Shape input, Shape? residual, params ReadOnlySpan<int> widths)
    {
        List<OperatorInput?> inputs = [In(input), residual is null ? null : Residual(residual)];
        int width = input.Last;
        foreach (int next in widths)
        {
            string name = $"fc{inputs.Count / 2}";
            inputs.Add(new($"{name} weight", [next, width], Role: InputRole.MatrixWeight));
            inputs.Add(new($"{name} bias", [next], Role: InputRole.Parameter));
            width = next;
        }
        return new(label, new GeluMlp(dropPath), Exactness.Sums, inputs);
    }

    private static IEnumerable<OperatorCase> Convolutions()
    {
        yield return new("3x3 (2,7,5,3)->4", new Kernels.Conv2d(1, 1), Exactness.Sums, In([2, 7, 5, 3]), Weight([4, 3, 3, 3]), Bias(4));
        yield return new("3x3 stride 2 (1,6,9,5)->7 no bias", new Kernels.Conv2d(2, 1), Exactness.Sums, In([1, 6, 9, 5]), Weight([7, 3, 3, 5]));
        yield return new("1x1 (2,4,6,9)->11", new Kernels.Conv2d(), Exactness.Sums, In([2, 4, 6, 9]), Weight([11, 1, 1, 9]), Bias(11));
        yield return new("1x1 stride 2 (1,7,4,6)->5", new Kernels.Conv2d(2), Exactness.Sums, In([1, 7, 4, 6]), Weight([5, 1, 1, 6]));
        yield return new("7x7 stride 2 (1,11,9,3)->5", new Kernels.Conv2d(2, 3), Exactness.Sums, In([1, 11, 9, 3]), Weight([5, 7, 7, 3]));
        yield return new("4x4 stride 4 (2,8,12,3)->6", new Kernels.Conv2d(4), Exactness.Sums, In([2, 8, 12, 3]), Weight([6, 4, 4, 3]), Bias(6));
        yield return new("groups 3 (2,5,4,6)->9", new Kernels.Conv2d(1, 1, 3), Exactness.Sums, In([2, 5, 4, 6]), Weight([9, 3, 3, 2]), Bias(9));
        yield return new("depthwise (1,6,5,5)->5", new Kernels.Conv2d(1, 1, 5), Exactness.Sums, In([1, 6, 5, 5]), Weight([5, 3, 3, 1]));
        yield return new("3x3 (1,5,6,16)->24", new Kernels.Conv2d(1, 1), Exactness.Sums, In([1, 5, 6, 16]), Weight([24, 3, 3, 16]), Bias(24));
        yield return new("3x3 stride 2 groups 2 (1,7,4,16)->32", new Kernels.Conv2d(2, 1, 2), Exactness.Sums, In([1, 7, 4, 16]), Weight([32, 3, 3, 8]));
        // Few channels, whose pixels are packed, and few filters.
        yield return new("7x7 stride 2 (2,9,7,3)->8", new Kernels.Conv2d(2, 3), Exactness.Sums, In([2, 9, 7, 3]), Weight([8, 7, 7, 3]));
        yield return new("4x4 stride 4 (1,9,12,3)->16", new Kernels.Conv2d(4), Exactness.Sums, In([1, 9, 12, 3]), Weight([16, 4, 4, 3]), Bias(16));
        yield return new("3x3 (1,5,7,1)->8", new Kernels.Conv2d(1, 1), Exactness.Sums, In([1, 5, 7, 1]), Weight([8, 3, 3, 1]), Bias(8));
        yield return new("3x2 stride 3 (2,8,7,3)->8", new Kernels.Conv2d(3, 2), Exactness.Sums, In([2, 8, 7, 3]), Weight([8, 3, 2, 3]));
        yield return new("1x1 (2,5,7,16)->3", new Kernels.Conv2d(), Exactness.Sums, In([2, 5, 7, 16]), Weight([3, 1, 1, 16]), Bias(3));
        yield return new("1x1 (1,3,9,24)->4 no bias", new Kernels.Conv2d(), Exactness.Sums, In([1, 3, 9, 24]), Weight([4, 1, 1, 24]));
        yield return Fused("training 7x7 stride 2 (1,11,9,3)->8", new ConvBatchNormReLU(2, 3), [1, 11, 9, 3], [8, 7, 7, 3], null);
        yield return Fused("evaluation 3x3 stride 2 (2,7,5,3)->8", new ConvBatchNormReLU(2, 1, Training: false), [2, 7, 5, 3], [8, 3, 3, 3], null);
        yield return Fused("training 1x1 (2,5,7,8)->16", new ConvBatchNormReLU(), [2, 5, 7, 8], [16, 1, 1, 8], null);
        yield return Fused("training 1x1 stride 2 (1,9,8,16)->8", new ConvBatchNormReLU(2, ReLU: false), [1, 9, 8, 16], [8, 1, 1, 16], null);
        yield return Fused("training 3x3 (1,6,5,16)->8", new ConvBatchNormReLU(1, 1), [1, 6, 5, 16], [8, 3, 3, 16], null);
        yield return Fused("training residual (1,6,5,8)->8", new ConvBatchNormReLU(), [1, 6, 5, 8], [8, 1, 1, 8], [1, 6, 5, 8]);
        yield return Fused("evaluation residual (1,5,4,8)->16", new ConvBatchNormReLU(Training: false), [1, 5, 4, 8], [16, 1, 1, 8], [1, 5, 4, 16]);
        yield return Fused("training (2,5,7,3)->6", new ConvBatchNormReLU(1, 1), [2, 5, 7, 3], [6, 3, 3, 3], null);
        yield return Fused("training stride 2 (2,8,6,5)->4", new ConvBatchNormReLU(2, 1), [2, 8, 6, 5], [4, 3, 3, 5], null);
        yield return Fused("training residual (2,4,5,3)->7", new ConvBatchNormReLU(1, 0), [2, 4, 5, 3], [7, 1, 1, 3], [2, 4, 5, 7]);
        yield return Fused("training linear (1,6,5,4)->5", new ConvBatchNormReLU(1, 1, ReLU: false), [1, 6, 5, 4], [5, 3, 3, 4], null);
        yield return Fused("training groups 2 (2,5,4,4)->6", new ConvBatchNormReLU(1, 1, 2), [2, 5, 4, 4], [6, 3, 3, 2], null);
        yield return Fused("evaluation (2,5,7,3)->6", new ConvBatchNormReLU(1, 1, Training: false), [2, 5, 7, 3], [6, 3, 3, 3], null);
        yield return Fused("evaluation residual (1,4,5,3)->7", new ConvBatchNormReLU(Training: false), [1, 4, 5, 3], [7, 1, 1, 3], [1, 4, 5, 7]);
    }

    private static OperatorCase Fused(string label, ConvBatchNormReLU op, Shape input, Shape weight, Shape? residual) => new(
        label, op, Exactness.Sums,
        In(input), new("convolution weight", weight, Role: InputRole.MatrixWeight), Scale(weight[0], Fill.Positive), Bias(weight[0]),
        RunningMean(weight[0]), RunningVariance(weight[0]),
        residual is null ? null : new("residual", residual));

    private static IEnumerable<OperatorCase> Chains()
    {
        foreach (bool training in new[] { true, false })
        {
            string mode = training ? "training" : "evaluation";
            var one = new ConvBatchNormReLU(Training: training);
            var three = new ConvBatchNormReLU(1, 1, Training: training);
            yield return Chain($"bottleneck {mode} (2,5,4,8)", new(one, three with { Stride = 2 }, one),
                [2, 5, 4, 8], [[8, 1, 1, 8], [8, 3, 3, 8], [16, 1, 1, 8]], [2, 3, 2, 16]);
            yield return Chain($"two (1,6,5,3) {mode}", new(three, one with { ReLU = false }), [1, 6, 5, 3], [[5, 3, 3, 3], [6, 1, 1, 5]], null);
        }
    }

    private static OperatorCase Chain(string label, ConvBatchNormChain op, Shape input, Shape[] weights, Shape? residual) => new(
        label, op, Exactness.Sums,
        [In(input), .. weights.SelectMany((weight, i) => new[]
        {
            new OperatorInput($"convolution weight {i + 1}", weight, Role: InputRole.MatrixWeight),
            Scale(weight[0], Fill.Positive) with { Name = $"weight {i + 1}" }, Bias(weight[0]) with { Name = $"bias {i + 1}" },
            RunningMean(weight[0]) with { Name = $"running mean {i + 1}" }, RunningVariance(weight[0]) with { Name = $"running variance {i + 1}" },
        }), residual is null ? null : new OperatorInput("residual", residual)]);

    private static IEnumerable<OperatorCase> Norms()
    {
        foreach (bool training in new[] { true, false })
            foreach (Shape shape in new Shape[] { [2, 5, 4, 7], [1, 3, 6, 16], [9, 3] })
                yield return new($"{(training ? "training" : "evaluation")} {shape}", new BatchNorm(Training: training), Exactness.Sums,
                    In(shape), Scale(shape.Last, Fill.Positive), Bias(shape.Last), RunningMean(shape.Last), RunningVariance(shape.Last));
        foreach (Shape shape in new Shape[] { [2, 3, 5, 7], [1, 40], [33, 24] })
            yield return new($"{shape}", new Kernels.LayerNorm(), Exactness.Sums, In(shape), Scale(shape.Last), Bias(shape.Last));
        // Rows for two warps and for four, and a row too long for both.
        foreach (Shape shape in new Shape[] { [3, 404], [2, 1100], [2, 1540] })
            yield return new($"{shape}", new Kernels.LayerNorm(), Exactness.Sums, In(shape), Scale(shape.Last), Bias(shape.Last));
        foreach (Shape shape in new Shape[] { [2, 4, 6, 3], [1, 2, 10, 8] })
            yield return new($"{shape}", new PatchMergeNorm(), Exactness.Sums, In(shape), Scale(4 * shape.Last), Bias(4 * shape.Last));
        foreach ((int scale, Shape shape) in new (int, Shape)[] { (2, [2, 3, 5, 28]), (4, [1, 2, 3, 128]), (3, [1, 2, 2, 108]) })
            yield return new($"x{scale} {shape}", new PixelShuffleNorm(scale), Exactness.Sums,
                In(shape), Scale(shape.Last / (scale * scale)), Bias(shape.Last / (scale * scale)));
        yield return new("(4,7,5)", new Softmax(), Exactness.Sums, In([4, 7, 5]));
        yield return new("(3,49)", new Softmax(), Exactness.Sums, In([3, 49]));
    }

    private static IEnumerable<OperatorCase> Activations()
    {
        foreach (Shape shape in new Shape[] { [2, 3, 5, 7], [1, 67] })
        {
            foreach (ActivationKind kind in Enum.GetValues<ActivationKind>())
                yield return Activation(kind, shape) with { Label = $"{kind} {shape}" };
            yield return new($"{shape}", new Add(), Exactness.Elementwise, new("a", shape), new("b", shape));
            yield return new($"{shape}", new Multiply(), Exactness.Elementwise, new("a", shape), new("b", shape));
            yield return new($"-1.5 {shape}", new Scale(-1.5), Exactness.Elementwise, In(shape));
        }
        yield return new("float64 (2,5,7)", new Cast(DType.Float64), Exactness.Moves, In([2, 5, 7]));
        yield return new("half (2,5,7)", new Dropout(0.5, new RandomKey(3, 1, 2)), Exactness.Elementwise, In([2, 5, 7]));
        yield return new("half (6,3,5)", new DropPath(0.5, new RandomKey(3, 1, 2)), Exactness.Elementwise, In([6, 3, 5]));
    }

    /// <summary>An activation, on inputs off the points where it has no derivative: 0 of ReLU, 0 and 6 of ReLU6, -3 and 3 of HardSwish.</summary>
    public static OperatorCase Activation(ActivationKind kind, Shape shape) => kind switch
    {
        ActivationKind.ReLU => new("", new Activation(kind), Exactness.Moves, In(shape, Fill.AwayFromZero)),
        ActivationKind.ReLU6 => new("", new Activation(kind), Exactness.Moves, In(shape, Fill.BetweenIntegers)),
        ActivationKind.HardSwish => new("", new Activation(kind), Exactness.Elementwise, In(shape, Fill.BetweenIntegers)),
        _ => new("", new Activation(kind), Exactness.Elementwise, In(shape)),
    };

    private static IEnumerable<OperatorCase> Rearrangements()
    {
        // Overlapping windows accumulate gradients.
        yield return new("3/2/1 (2,7,6,3)", new MaxPool2d(3, 2, 1), Exactness.Elementwise, In([2, 7, 6, 3], Fill.Distinct));
        yield return new("2/2 (1,6,4,9)", new MaxPool2d(2, 2), Exactness.Moves, In([1, 6, 4, 9], Fill.Distinct));
        yield return new("(2,4,6,3)", new PatchMerge(), Exactness.Moves, In([2, 4, 6, 3]));
        yield return new("x2 (2,3,5,12)", new PixelShuffle(2), Exactness.Moves, In([2, 3, 5, 12]));
        yield return new("x4 (1,2,3,80)", new PixelShuffle(4), Exactness.Moves, In([1, 2, 3, 80]));
        yield return new("3+5+8 (2,3,4)", new Concat(), Exactness.Moves, new("a", [2, 3, 4, 3]), new("b", [2, 3, 4, 5]), new("c", [2, 3, 4, 8]));
        yield return new("(2,3,5,7) by 2,4", new Pad2d(2, 4), Exactness.Moves, In([2, 3, 5, 7]));
        yield return new("(2,5,6,3) to 4x3", new Crop2d(4, 3), Exactness.Moves, In([2, 5, 6, 3]));
        yield return new("(2,3,4) to (6,4)", new Reshape([6, 4]), Exactness.Moves, In([2, 3, 4]));
        foreach (ResizeMode mode in Enum.GetValues<ResizeMode>())
        {
            yield return new($"{mode} (2,4,6,3) to 7x9", new Resize(7, 9, mode), Exactness.Sums, In([2, 4, 6, 3]));
            yield return new($"{mode} (1,9,7,5) to 4x5", new Resize(4, 5, mode), Exactness.Sums, In([1, 9, 7, 5]));
        }
    }

    private static IEnumerable<OperatorCase> Attention()
    {
        foreach ((int window, int heads, int shift, Shape shape) in new (int, int, int, Shape)[]
        {
            (2, 1, 0, [1, 4, 6, 5]), (2, 2, 1, [2, 6, 4, 6]), (3, 3, 1, [1, 6, 9, 9]), (4, 2, 2, [2, 8, 4, 8]), (5, 1, 0, [3, 5, 5, 4]),
            (2, 1, 1, [1, 4, 4, 32]), (7, 1, 0, [1, 7, 14, 32]), (8, 2, 4, [1, 16, 8, 64]),
        })
            yield return new($"window {window} heads {heads} shift {shift} {shape}", new Kernels.WindowAttention(window, heads, shift), Exactness.Sums,
                new("qkv", shape.WithLast(3 * shape.Last)), new("bias table", [(2 * window - 1) * (2 * window - 1), heads], Role: InputRole.Parameter));
    }

    private static IEnumerable<OperatorCase> Losses()
    {
        OperatorInput Logits(Shape shape) => new("logits", shape);
        OperatorInput Labels(Shape shape, Fill fill, int? ignore = null) =>
            new("labels", new Shape(shape.AsSpan()[..^1]), fill, NeedsGradient: false, shape.Last, ignore);
        Shape image = [2, 5, 7, 3], row = [1, 3, 4, 5];
        yield return new($"entropy only {image}", new CrossEntropyDice(1, 0), Exactness.Sums, Logits(image), Labels(image, Fill.ByteLabels));
        yield return new($"entropy only, weighted {row}", new CrossEntropyDice(1, 0, [0.5, 1, 2, 3, 0]), Exactness.Sums, Logits(row), Labels(row, Fill.LongLabels));
        yield return new($"entropy only, ignoring {image}", new CrossEntropyDice(1, 0, [0.5, 1, 2], IgnoreIndex: Ignore), Exactness.Sums,
            Logits(image), Labels(image, Fill.ByteLabels, Ignore));
        yield return new($"Dice only {image}", new CrossEntropyDice(0, 1), Exactness.Sums, Logits(image), Labels(image, Fill.LongLabels));
        yield return new($"Dice only, ignoring {row}", new CrossEntropyDice(0, 1, Smooth: 1, IgnoreIndex: Ignore), Exactness.Sums, Logits(row), Labels(row, Fill.ByteLabels, Ignore));
        yield return new($"weighted {image}", new CrossEntropyDice(0.3, 0.7, [0.5, 1, 2]), Exactness.Sums,
            Logits(image), Labels(image, Fill.LongLabels));
        yield return new($"ignoring {row}", new CrossEntropyDice(Smooth: 1, IgnoreIndex: Ignore), Exactness.Sums,
            Logits(row), Labels(row, Fill.ByteLabels, Ignore));
        Shape many = [2, 3, 11];
        yield return new($"{many}", new CrossEntropyDice(1.5, 0.25), Exactness.Sums, Logits(many), Labels(many, Fill.ByteLabels));
        yield return new("0.4, -2, 3", new WeightedSum([0.4, -2, 3]), Exactness.Elementwise, new("a", []), new("b", []), new("c", []));
    }
}
