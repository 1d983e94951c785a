using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <content>Convolutions, alone and with the batch norm and ReLU that follow them.</content>
public static partial class OperatorCases
{
    private static IEnumerable<OperatorCase> Convolutions()
    {
        yield return new("3x3 (2,7,5,3)->4", new Conv2d(1, 1), Exactness.Sums, In([2, 7, 5, 3]), Weight([4, 3, 3, 3]), Bias(4))
        {
            Random = Random("Conv2d", ConvolutionParameters(new ShapeParameter("bias", 0, 1)), v =>
                Convolution(v) is not ({ } input, { } weight) ? null
                : new("", new Conv2d(v[7], v[8], v[3]), Exactness.Sums, In(input), Weight(weight), v[9] == 1 ? Bias(weight[0]) : null)),
            Usual = new("(B x H x W x C->O), kernel, stride, groups",
                ["2x56x56x64->64 kernel 3", "2x56x56x256->64 kernel 1",
                 "2x224x224x3->64 kernel 7 stride 2", "2x14x14x256->256 kernel 3"], text =>
                new("", new Conv2d(text["stride", 1], text["kernel", 3] / 2, text["groups", 1]), Exactness.Sums,
                    In(text.Sizes), LargeConvolutionWeight(text))),
        };
        yield return new("3x3 stride 2 (1,6,9,5)->7 no bias", new Conv2d(2, 1), Exactness.Sums, In([1, 6, 9, 5]), Weight([7, 3, 3, 5]));
        yield return new("1x1 (2,4,6,9)->11", new Conv2d(), Exactness.Sums, In([2, 4, 6, 9]), Weight([11, 1, 1, 9]), Bias(11));
        yield return new("1x1 stride 2 (1,7,4,6)->5", new Conv2d(2), Exactness.Sums, In([1, 7, 4, 6]), Weight([5, 1, 1, 6]));
        yield return new("7x7 stride 2 (1,11,9,3)->5", new Conv2d(2, 3), Exactness.Sums, In([1, 11, 9, 3]), Weight([5, 7, 7, 3]));
        yield return new("4x4 stride 4 (2,8,12,3)->6", new Conv2d(4), Exactness.Sums, In([2, 8, 12, 3]), Weight([6, 4, 4, 3]), Bias(6));
        yield return new("groups 3 (2,5,4,6)->9", new Conv2d(1, 1, 3), Exactness.Sums, In([2, 5, 4, 6]), Weight([9, 3, 3, 2]), Bias(9));
        yield return new("depthwise (1,6,5,5)->5", new Conv2d(1, 1, 5), Exactness.Sums, In([1, 6, 5, 5]), Weight([5, 3, 3, 1]));
        yield return new("3x3 (1,5,6,16)->24", new Conv2d(1, 1), Exactness.Sums, In([1, 5, 6, 16]), Weight([24, 3, 3, 16]), Bias(24));
        yield return new("3x3 stride 2 groups 2 (1,7,4,16)->32", new Conv2d(2, 1, 2), Exactness.Sums,
            In([1, 7, 4, 16]), Weight([32, 3, 3, 8]));
        // Images: pixels that are packed; and few filters.
        yield return new("7x7 stride 2 (2,9,7,3)->8", new Conv2d(2, 3), Exactness.Sums, In([2, 9, 7, 3]), Weight([8, 7, 7, 3]));
        yield return new("4x4 stride 4 (1,9,12,3)->16", new Conv2d(4), Exactness.Sums, In([1, 9, 12, 3]), Weight([16, 4, 4, 3]), Bias(16));
        yield return new("3x3 (1,5,7,1)->8", new Conv2d(1, 1), Exactness.Sums, In([1, 5, 7, 1]), Weight([8, 3, 3, 1]), Bias(8));
        yield return new("3x2 stride 3 (2,8,7,3)->8", new Conv2d(3, 2), Exactness.Sums, In([2, 8, 7, 3]), Weight([8, 3, 2, 3]));
        yield return new("1x1 (2,5,7,16)->3", new Conv2d(), Exactness.Sums, In([2, 5, 7, 16]), Weight([3, 1, 1, 16]), Bias(3));
        yield return new("1x1 (1,3,9,24)->4 no bias", new Conv2d(), Exactness.Sums, In([1, 3, 9, 24]), Weight([4, 1, 1, 24]));
        yield return Fused("training 7x7 stride 2 (1,11,9,3)->8", new ConvBatchNormReLU(2, 3), [1, 11, 9, 3], [8, 7, 7, 3], null) with
        {
            Random = Random("ConvBatchNormReLU",
                ConvolutionParameters(new("relu", 0, 1), new("residual", 0, 1), new("training", 0, 1)), ConvolutionNorm),
            Usual = new("(B x H x W x C->O), kernel, stride: one operator of a ResNet in training",
                ["2x56x56x64->64 kernel 3", "2x56x56x256->64 kernel 1", "2x28x28x128->512 kernel 1"], text =>
                new("", new ConvBatchNormReLU(text["stride", 1], text["kernel", 3] / 2, text["groups", 1]), Exactness.Sums,
                    In(text.Sizes), LargeConvolutionWeight(text), Scale(text.Channels, Fill.Positive), Bias(text.Channels),
                    RunningMean(text.Channels), RunningVariance(text.Channels))),
        };
        yield return Fused("evaluation 3x3 stride 2 (2,7,5,3)->8", new ConvBatchNormReLU(2, 1, Training: false),
            [2, 7, 5, 3], [8, 3, 3, 3], null);
        yield return Fused("training 1x1 (2,5,7,8)->16", new ConvBatchNormReLU(), [2, 5, 7, 8], [16, 1, 1, 8], null);
        yield return Fused("training 1x1 stride 2 (1,9,8,16)->8", new ConvBatchNormReLU(2, ReLU: false),
            [1, 9, 8, 16], [8, 1, 1, 16], null);
        yield return Fused("training 3x3 (1,6,5,16)->8", new ConvBatchNormReLU(1, 1), [1, 6, 5, 16], [8, 3, 3, 16], null);
        yield return Fused("training residual (1,6,5,8)->8", new ConvBatchNormReLU(), [1, 6, 5, 8], [8, 1, 1, 8], [1, 6, 5, 8]);
        yield return Fused("evaluation residual (1,5,4,8)->16", new ConvBatchNormReLU(Training: false),
            [1, 5, 4, 8], [16, 1, 1, 8], [1, 5, 4, 16]);
        yield return Fused("training (2,5,7,3)->6", new ConvBatchNormReLU(1, 1), [2, 5, 7, 3], [6, 3, 3, 3], null);
        yield return Fused("training stride 2 (2,8,6,5)->4", new ConvBatchNormReLU(2, 1), [2, 8, 6, 5], [4, 3, 3, 5], null);
        yield return Fused("training residual (2,4,5,3)->7", new ConvBatchNormReLU(1, 0), [2, 4, 5, 3], [7, 1, 1, 3], [2, 4, 5, 7]);
        yield return Fused("training linear (1,6,5,4)->5", new ConvBatchNormReLU(1, 1, ReLU: false), [1, 6, 5, 4], [5, 3, 3, 4], null);
        yield return Fused("training groups 2 (2,5,4,4)->6", new ConvBatchNormReLU(1, 1, 2), [2, 5, 4, 4], [6, 3, 3, 2], null);
        yield return Fused("evaluation (2,5,7,3)->6", new ConvBatchNormReLU(1, 1, Training: false), [2, 5, 7, 3], [6, 3, 3, 3], null);
        yield return Fused("evaluation residual (1,4,5,3)->7", new ConvBatchNormReLU(Training: false),
            [1, 4, 5, 3], [7, 1, 1, 3], [1, 4, 5, 7]);
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
            yield return Chain($"two (1,6,5,3) {mode}", new(three, one with { ReLU = false }),
                [1, 6, 5, 3], [[5, 3, 3, 3], [6, 1, 1, 5]], null) with
            {
                Usual = new("(B x H x W x C->O), kernel: a residual block of two convolutions with batch norm and ReLU",
                    ["2x56x56x64->64 kernel 3"], LargeChain),
            };
        }
    }

    private static OperatorCase LargeChain(ShapeText text)
    {
        int channels = text.Channels, kernel = text["kernel", 3];
        var layer = new ConvBatchNormReLU(1, kernel / 2);
        OperatorCase chain = Chain("", new(layer, layer), text.Sizes,
            [[channels, kernel, kernel, text.Sizes.Last], [channels, kernel, kernel, channels]], text.Sizes.WithLast(channels));
        return chain with { Inputs = [.. chain.Inputs.Select(input =>
            input is { Role: InputRole.MatrixWeight } ? input with { Fill = Fill.FanIn } : input)] };
    }

    private static OperatorCase Chain(string label, ConvBatchNormChain op, Shape input, Shape[] weights, Shape? residual) => new(
        label, op, Exactness.Sums,
        [In(input), .. weights.SelectMany((weight, i) => new[]
        {
            new OperatorInput($"convolution weight {i + 1}", weight, Role: InputRole.MatrixWeight),
            Scale(weight[0], Fill.Positive) with { Name = $"weight {i + 1}" }, Bias(weight[0]) with { Name = $"bias {i + 1}" },
            RunningMean(weight[0]) with { Name = $"running mean {i + 1}" },
            RunningVariance(weight[0]) with { Name = $"running variance {i + 1}" },
        }), residual is null ? null : new OperatorInput("residual", residual)]);

    private static OperatorInput LargeConvolutionWeight(ShapeText text) => LargeWeight(
        [text.Channels, text["kernel", 3], text["kernel", 3], text.Sizes.Last / text["groups", 1]], "convolution weight");

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
            In(input), new("convolution weight", weight, Role: InputRole.MatrixWeight), Scale(weight[0], Fill.Positive), Bias(weight[0]),
            RunningMean(weight[0]), RunningVariance(weight[0]),
            v[10] == 1 ? new("residual", output) : null);
    }
}
