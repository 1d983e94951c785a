using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <content>Normalisation and softmax.</content>
public static partial class OperatorCases
{
    // Few channels or rows have variances near 0, which nothing computes exactly.
    private static IEnumerable<OperatorCase> Norms()
    {
        foreach (bool training in new[] { true, false })
            foreach (Shape shape in new Shape[] { [2, 5, 4, 7], [1, 3, 6, 16], [9, 3] })
                yield return BatchNorm(shape, training) with
                {
                    Label = $"{(training ? "training" : "evaluation")} {shape}",
                    Random = Random("BatchNorm", [s_batch, s_height, s_width, Channels(), new("training", 0, 1)], v =>
                        v[0] * v[1] * v[2] < 8 ? null : BatchNorm([v[0], v[1], v[2], v[3]], v[4] == 1)),
                    Usual = new("(B x H x W x C): training", ["2x56x56x256"], text => BatchNorm(text.Sizes, training: true)),
                };
        // The last three: rows of two and of four warps, and a row too long for both.
        foreach (Shape shape in new Shape[] { [2, 3, 5, 7], [1, 40], [33, 24], [3, 404], [2, 1100], [2, 1540] })
            yield return LayerNorm(shape) with
            {
                Label = $"{shape}",
                Random = Random("LayerNorm", [new("rows", 1, 70, 64, 65), Channels(minimum: 6)], v => LayerNorm([v[0], v[1]])),
                Usual = new("(rows x channels)", ["6272x96", "1568x192", "392x384", "98x768"], text => LayerNorm(text.Sizes)),
            };
        foreach (Shape shape in new Shape[] { [2, 4, 6, 3], [1, 2, 10, 8] })
            yield return PatchMergeNorm(shape) with
            {
                Label = $"{shape}",
                Random = Random("PatchMergeNorm", [s_batch, new("halfH", 1, 7), new("halfW", 1, 7), Channels(minimum: 2)], v =>
                    PatchMergeNorm([v[0], 2 * v[1], 2 * v[2], v[3]])),
                Usual = new("(B x H x W x C): patch merging with its layer norm", ["2x56x56x96"], text => PatchMergeNorm(text.Sizes)),
            };
        foreach ((int scale, Shape shape) in new (int, Shape)[] { (2, [2, 3, 5, 28]), (4, [1, 2, 3, 128]), (3, [1, 2, 2, 108]) })
            yield return PixelShuffleNorm(scale, shape) with
            {
                Label = $"x{scale} {shape}",
                Random = Random("PixelShuffleNorm",
                    [s_batch, new("H", 1, 5), new("W", 1, 5), new("C", 6, 16, 8), new("factor", 1, 4, 2, 4)], v =>
                    PixelShuffleNorm(v[4], [v[0], v[1], v[2], v[3] * v[4] * v[4]])),
                Usual = new("(B x H x W x C), scale: patch expanding with its layer norm", ["2x56x56x1536 scale 4"],
                    text => PixelShuffleNorm(text["scale", 2], text.Sizes)),
            };
        foreach (Shape shape in new Shape[] { [4, 7, 5], [3, 49] })
            yield return new($"{shape}", new Softmax(), Exactness.Sums, In(shape))
            {
                Random = Random("Softmax", [new("rows", 1, 70), Channels(minimum: 2)], v =>
                    new("", new Softmax(), Exactness.Sums, In([v[0], v[1]]))),
                Usual = new("(rows x classes)", ["100352x3", "6272x49"]),
            };
    }

    private static OperatorCase BatchNorm(Shape shape, bool training) => new(
        "", new BatchNorm(Training: training), Exactness.Sums,
        In(shape), Scale(shape.Last, Fill.Positive), Bias(shape.Last), RunningMean(shape.Last), RunningVariance(shape.Last));

    private static OperatorCase LayerNorm(Shape shape) =>
        new("", new LayerNorm(), Exactness.Sums, In(shape), Scale(shape.Last), Bias(shape.Last));

    private static OperatorCase PatchMergeNorm(Shape shape) =>
        new("", new PatchMergeNorm(), Exactness.Sums, In(shape), Scale(4 * shape.Last), Bias(4 * shape.Last));

    private static OperatorCase PixelShuffleNorm(int scale, Shape shape) => new(
        "", new PixelShuffleNorm(scale), Exactness.Sums,
        In(shape), Scale(shape.Last / (scale * scale)), Bias(shape.Last / (scale * scale)));
}
