using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <content>Losses, and sums of them.</content>
public static partial class OperatorCases
{
    private static IEnumerable<OperatorCase> Losses()
    {
        Shape image = [2, 5, 7, 3], row = [1, 3, 4, 5];
        yield return new($"entropy only {image}", new CrossEntropyDice(1, 0), Exactness.Sums,
            Logits(image), Labels(image, Fill.ByteLabels));
        yield return new($"entropy only, weighted {row}", new CrossEntropyDice(1, 0, [0.5, 1, 2, 3, 0]), Exactness.Sums,
            Logits(row), Labels(row, Fill.LongLabels));
        yield return new($"entropy only, ignoring {image}", new CrossEntropyDice(1, 0, [0.5, 1, 2], IgnoreIndex: Ignore), Exactness.Sums,
            Logits(image), Labels(image, Fill.ByteLabels, Ignore));
        yield return new($"Dice only {image}", new CrossEntropyDice(0, 1), Exactness.Sums, Logits(image), Labels(image, Fill.LongLabels));
        yield return new($"Dice only, ignoring {row}", new CrossEntropyDice(0, 1, Smooth: 1, IgnoreIndex: Ignore), Exactness.Sums,
            Logits(row), Labels(row, Fill.ByteLabels, Ignore));
        yield return new($"weighted {image}", new CrossEntropyDice(0.3, 0.7, [0.5, 1, 2]), Exactness.Sums,
            Logits(image), Labels(image, Fill.LongLabels))
        {
            Random = Random("CrossEntropyDice",
                [s_batch, s_height, s_width, new("classes", 2, 20, 3), new("long", 0, 1), new("ignore", 0, 1), new("terms", 0, 2)], v =>
            {
                int? ignore = v[5] == 1 ? Ignore : null;
                return new("", new CrossEntropyDice(v[6] == 1 ? 0 : 0.3, v[6] == 2 ? 0 : 0.7, null, 1, ignore), Exactness.Sums,
                    Logits(Map(v)), Labels(Map(v), v[4] == 1 ? Fill.LongLabels : Fill.ByteLabels, ignore));
            }),
            Usual = new("(pixels x classes)", ["100352x3"], text => new("", new CrossEntropyDice(0.5, 0.5), Exactness.Sums,
                Logits(text.Sizes), Labels(text.Sizes, Fill.ByteLabels))),
        };
        yield return new($"ignoring {row}", new CrossEntropyDice(Smooth: 1, IgnoreIndex: Ignore), Exactness.Sums,
            Logits(row), Labels(row, Fill.ByteLabels, Ignore));
        Shape many = [2, 3, 11];
        yield return new($"{many}", new CrossEntropyDice(1.5, 0.25), Exactness.Sums, Logits(many), Labels(many, Fill.ByteLabels));
        yield return new("0.4, -2, 3", new WeightedSum([0.4, -2, 3]), Exactness.Elementwise, new("a", []), new("b", []), new("c", []));
    }

    private static OperatorInput Logits(Shape shape) => new("logits", shape);

    private static OperatorInput Labels(Shape shape, Fill fill, int? ignore = null) =>
        new("labels", new Shape(shape.AsSpan()[..^1]), fill, NeedsGradient: false, shape.Last, ignore);
}
