using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <content>Operators that work on elements, or move them.</content>
public static partial class OperatorCases
{
    private static IReadOnlyList<ShapeParameter> MapParameters => [s_batch, s_height, s_width, Channels()];

    private static Shape Map(IReadOnlyList<int> v) => [v[0], v[1], v[2], v[3]];

    private static IEnumerable<OperatorCase> Elementwise()
    {
        foreach (Shape shape in new Shape[] { [2, 3, 5, 7], [1, 67] })
        {
            foreach (ActivationKind kind in Enum.GetValues<ActivationKind>())
                yield return Activation(kind, shape) with
                {
                    Label = $"{kind} {shape}",
                    Random = Random("Activation", [.. MapParameters, new("kind", 0, Enum.GetValues<ActivationKind>().Length - 1)],
                        v => Activation((ActivationKind)v[4], Map(v))),
                    Usual = new($"(rows x channels): the activation {kind}", ["6272x384"]) { Name = UsualShapes.NameOf($"{kind}") },
                };
            yield return new($"{shape}", new Add(), Exactness.Elementwise, new("a", shape), new("b", shape))
            {
                Random = Random("Add", MapParameters, v => new("", new Add(), Exactness.Elementwise, new("a", Map(v)), new("b", Map(v)))),
                Usual = new("(rows x channels): a + b", ["6272x96"]),
            };
            yield return new($"{shape}", new Multiply(), Exactness.Elementwise, new("a", shape), new("b", shape))
            {
                Random = Random("Multiply", MapParameters,
                    v => new("", new Multiply(), Exactness.Elementwise, new("a", Map(v)), new("b", Map(v)))),
                Usual = new("(rows x channels): a b", ["6272x96"]),
            };
            yield return new($"-1.5 {shape}", new Scale(-1.5), Exactness.Elementwise, In(shape))
            {
                Random = Random("Scale", MapParameters, v => new("", new Scale(-1.5), Exactness.Elementwise, In(Map(v)))),
            };
        }
        yield return new("float64 (2,5,7)", new Cast(DType.Float64), Exactness.Moves, In([2, 5, 7]));
        var key = new RandomKey(3, 1, 2);
        yield return new("half (2,5,7)", new Dropout(0.5, key), Exactness.Elementwise, In([2, 5, 7]))
        {
            Random = Random("Dropout", MapParameters, v => new("", new Dropout(0.5, key), Exactness.Elementwise, In(Map(v)))),
        };
        yield return new("half (6,3,5)", new DropPath(0.5, key), Exactness.Elementwise, In([6, 3, 5]))
        {
            Random = Random("DropPath", MapParameters, v => new("", new DropPath(0.5, key), Exactness.Elementwise, In(Map(v)))),
        };
    }

    /// <summary>An activation on inputs off the points without a derivative: 0 of ReLU, 0 and 6 of ReLU6, -3 and 3 of HardSwish.</summary>
    private static OperatorCase Activation(ActivationKind kind, Shape shape) => kind switch
    {
        ActivationKind.ReLU => new("", new Activation(kind), Exactness.Moves, In(shape, Fill.AwayFromZero)),
        ActivationKind.ReLU6 => new("", new Activation(kind), Exactness.Moves, In(shape, Fill.BetweenIntegers)),
        ActivationKind.HardSwish => new("", new Activation(kind), Exactness.Elementwise, In(shape, Fill.BetweenIntegers)),
        _ => new("", new Activation(kind), Exactness.Elementwise, In(shape)),
    };

    private static IEnumerable<OperatorCase> Rearrangements()
    {
        // Overlapping windows accumulate gradients.
        yield return new("3/2/1 (2,7,6,3)", new MaxPool2d(3, 2, 1), Exactness.Elementwise, In([2, 7, 6, 3], Fill.Distinct))
        {
            Random = Random("MaxPool2d", [.. MapParameters, new("kernel", 1, 4, 2, 3), new("stride", 1, 3, 2), new("padding", 0, 1)], v =>
                2 * v[6] > v[4] || v[1] + 2 * v[6] < v[4] || v[2] + 2 * v[6] < v[4] ? null
                    : new("", new MaxPool2d(v[4], v[5], v[6]), Exactness.Elementwise, In(Map(v), Fill.Distinct))),
            Usual = new("(B x H x W x C): 3 x 3, stride 2", ["2x112x112x64"],
                text => new("", new MaxPool2d(3, 2, 1), Exactness.Elementwise, In(text.Sizes))),
        };
        yield return new("2/2 (1,6,4,9)", new MaxPool2d(2, 2), Exactness.Moves, In([1, 6, 4, 9], Fill.Distinct));
        yield return new("(2,4,6,3)", new PatchMerge(), Exactness.Moves, In([2, 4, 6, 3]))
        {
            Random = Random("PatchMerge", [s_batch, new("halfH", 1, 7), new("halfW", 1, 7), Channels()], v =>
                new("", new PatchMerge(), Exactness.Moves, In([v[0], 2 * v[1], 2 * v[2], v[3]]))),
            Usual = new("(B x H x W x C)", ["2x56x56x96"]),
        };
        yield return new("x2 (2,3,5,12)", new PixelShuffle(2), Exactness.Moves, In([2, 3, 5, 12]))
        {
            Random = Random("PixelShuffle", [s_batch, new("H", 1, 7), new("W", 1, 7), new("C", 1, 16, 8), new("factor", 1, 4, 2, 4)], v =>
                new("", new PixelShuffle(v[4]), Exactness.Moves, In([v[0], v[1], v[2], v[3] * v[4] * v[4]]))),
            Usual = new("(B x H x W x C), scale", ["2x56x56x1536 scale 4"],
                text => new("", new PixelShuffle(text["scale", 2]), Exactness.Moves, In(text.Sizes))),
        };
        yield return new("x4 (1,2,3,80)", new PixelShuffle(4), Exactness.Moves, In([1, 2, 3, 80]));
        yield return new("3+5+8 (2,3,4)", new Concat(), Exactness.Moves,
            new("a", [2, 3, 4, 3]), new("b", [2, 3, 4, 5]), new("c", [2, 3, 4, 8]))
        {
            Random = Random("Concat", [s_batch, new("H", 1, 7), new("W", 1, 7), Channels("a"), Channels("b"), Channels("c")], v =>
                new("", new Concat(), Exactness.Moves,
                    [.. "abc".Select((name, i) => new OperatorInput($"{name}", [v[0], v[1], v[2], v[3 + i]]))])),
        };
        yield return new("(2,3,5,7) by 2,4", new Pad2d(2, 4), Exactness.Moves, In([2, 3, 5, 7]))
        {
            Random = Random("Pad2d", [.. MapParameters, new("bottom", 0, 4), new("right", 0, 4)], v =>
                new("", new Pad2d(v[4], v[5]), Exactness.Moves, In(Map(v)))),
        };
        yield return new("(2,5,6,3) to 4x3", new Crop2d(4, 3), Exactness.Moves, In([2, 5, 6, 3]))
        {
            Random = Random("Crop2d", [.. MapParameters, new("toH", 1, 13), new("toW", 1, 13)], v => v[4] > v[1] || v[5] > v[2] ? null
                : new("", new Crop2d(v[4], v[5]), Exactness.Moves, In(Map(v)))),
        };
        yield return new("(2,3,4) to (6,4)", new Reshape([6, 4]), Exactness.Moves, In([2, 3, 4]))
        {
            Random = Random("Reshape", [s_batch, s_height, Channels()], v =>
                new("", new Reshape([v[0] * v[1], v[2]]), Exactness.Moves, In([v[0], v[1], v[2]]))),
        };
        foreach (ResizeMode mode in Enum.GetValues<ResizeMode>())
        {
            yield return new($"{mode} (2,4,6,3) to 7x9", new Resize(7, 9, mode), Exactness.Sums, In([2, 4, 6, 3]))
            {
                Random = Random("Resize", [.. MapParameters, new("toH", 1, 17), new("toW", 1, 17),
                    new("mode", 0, Enum.GetValues<ResizeMode>().Length - 1)],
                    v => new("", new Resize(v[4], v[5], (ResizeMode)v[6]), Exactness.Sums, In(Map(v)))),
            };
            yield return new($"{mode} (1,9,7,5) to 4x5", new Resize(4, 5, mode), Exactness.Sums, In([1, 9, 7, 5]));
        }
    }
}
