using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <content>Linear layers, MLPs and attention.</content>
public static partial class OperatorCases
{
    private static IEnumerable<OperatorCase> Dense()
    {
        yield return new("(2,3,5,7)->9", new Linear(), Exactness.Sums, In([2, 3, 5, 7]), Weight([9, 7]), Bias(9))
        {
            Random = Random("Linear", [new("rows", 1, 70, 64, 65), Channels("in"), Channels("out"), new("bias", 0, 1)], v =>
                new("", new Linear(), Exactness.Sums, In([v[0], v[1]]), Weight([v[2], v[1]]), v[3] == 1 ? Bias(v[2]) : null)),
            Usual = new("(rows x in->out): x W^T + bias",
                ["6272x96->384", "6272x384->96", "1568x192->576", "392x384->1536", "98x3072->768"], text =>
                new("", new Linear(), Exactness.Sums, In(text.Sizes), LargeWeight([text.Channels, text.Sizes.Last]), Bias(text.Channels))),
        };
        yield return new("(1,33)->17 no bias", new Linear(), Exactness.Sums, In([1, 33]), Weight([17, 33]));
        yield return new("(70,40)->24", new Linear(), Exactness.Sums, In([70, 40]), Weight([24, 40]), Bias(24));
        yield return new("(3,1)->1", new Linear(), Exactness.Sums, In([3, 1]), Weight([1, 1]), Bias(1));
        yield return new("(300,8)->16, many rows", new Linear(), Exactness.Sums, In([300, 8]), Weight([16, 8]), Bias(16));
        yield return new("(3,260)->8, long rows", new Linear(), Exactness.Sums, In([3, 260]), Weight([8, 260]), Bias(8));
        var drop = new DropPath(0.5, new RandomKey(3, 1, 2));
        foreach ((int inputs, int outputs) in new[] { (8, 16), (5, 3) })
        {
            Shape input = [6, 4, 3, inputs];
            yield return new($"{input}->{outputs} residual", new Linear(), Exactness.Sums,
                In(input), Weight([outputs, inputs]), Bias(outputs), Residual(input.WithLast(outputs)));
            yield return new($"{input}->{outputs} residual, half dropped", new Linear(drop), Exactness.Sums,
                In(input), Weight([outputs, inputs]), Bias(outputs), Residual(input.WithLast(outputs)));
            yield return new($"{input}->{outputs} half dropped, no bias", new Linear(drop), Exactness.Sums,
                In(input), Weight([outputs, inputs]));
        }
        yield return Mlp("two layers (2,3,5,8)->16->24", null, [2, 3, 5, 8], null, 16, 24) with
        {
            Usual = new("(rows x channels->hidden): fc3(gelu(fc2(gelu(fc1 x)) + x)) of CS-UNet", ["6272x96->384", "392x384->1536"], text =>
            {
                OperatorCase made = Mlp("", null, text.Sizes, null, text.Channels, text.Sizes.Last, text.Sizes.Last);
                return made with { Inputs = [.. made.Inputs.Select(input =>
                    input is { Role: InputRole.MatrixWeight } ? input with { Fill = Fill.FanIn } : input)] };
            }),
        };
        yield return Mlp("two layers residual, half dropped (5,3,7)->9->6", drop, [5, 3, 7], [5, 3, 6], 9, 6);
        yield return Mlp("three layers (3,20,8)->16->8->8", null, [3, 20, 8], null, 16, 8, 8);
        yield return Mlp("three layers residual (1,4,6,8)->32->8->8", null, [1, 4, 6, 8], [1, 4, 6, 8], 32, 8, 8);
        yield return Mlp("three layers residual, half dropped (6,2,3,5)->7->5->4", drop, [6, 2, 3, 5], [6, 2, 3, 4], 7, 5, 4);
    }

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

    private static IEnumerable<OperatorCase> Attention()
    {
        foreach ((int window, int heads, int shift, Shape shape) in new (int, int, int, Shape)[]
        {
            (2, 1, 0, [1, 4, 6, 5]), (2, 2, 1, [2, 6, 4, 6]), (3, 3, 1, [1, 6, 9, 9]), (4, 2, 2, [2, 8, 4, 8]), (5, 1, 0, [3, 5, 5, 4]),
            (2, 1, 1, [1, 4, 4, 32]), (7, 1, 0, [1, 7, 14, 32]), (8, 2, 4, [1, 16, 8, 64]),
        })
            yield return Attention(window, heads, shift, shape) with
            {
                Label = $"window {window} heads {heads} shift {shift} {shape}",
                Random = Random("WindowAttention",
                    [s_batch, new("windowsY", 1, 3), new("windowsX", 1, 3), new("window", 1, 8, 7, 8),
                        new("heads", 1, 3), new("headDim", 1, 20, 8, 16, 32), new("shift", 0, 4)],
                    v => v[6] >= Math.Max(1, v[3]) || v[3] * v[3] * v[1] * v[2] > 200 || v[1] * v[2] * v[3] < 2 ? null
                        : Attention(v[3], v[4], v[6], [v[0], v[1] * v[3], v[2] * v[3], v[4] * v[5]])),
                Usual = new("(B x H x W x C), window, heads, shift",
                    ["2x56x56x96 window 7 heads 3 shift 3", "2x28x28x192 window 7 heads 6 shift 0",
                     "2x14x14x384 window 7 heads 12 shift 3"], LargeAttention),
            };
    }

    private static OperatorCase Attention(int window, int heads, int shift, Shape shape) => new(
        "", new WindowAttention(window, heads, shift), Exactness.Sums,
        new("qkv", shape.WithLast(3 * shape.Last)),
        new("bias table", [(2 * window - 1) * (2 * window - 1), heads], Role: InputRole.Parameter));

    private static OperatorCase LargeAttention(ShapeText text)
    {
        int window = text["window", 7], channels = text.Sizes.Last, heads = text["heads", Math.Max(1, channels / 32)];
        if (text.Sizes[1] % window != 0 || text.Sizes[2] % window != 0 || channels % heads != 0)
            throw new ArgumentException($"sides must be multiples of window {window}, channels of {heads} heads");
        return Attention(window, heads, text["shift", 0], text.Sizes);
    }
}
