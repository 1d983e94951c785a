using System.Numerics;
using CsUnet.Kernels;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Kernels;

[Collection(KernelSettings.Name)]
public sealed unsafe class WindowAttentionTests
{
    // Batch, rows, columns, channels, window, heads, shift.
    public static TheoryData<int, int, int, int, int, int, int> Cases() => new()
    {
        { 2, 14, 7, 12, 7, 3, 0 },
        { 1, 14, 21, 64, 7, 2, 3 },
        { 2, 8, 16, 48, 8, 3, 4 },
        { 1, 4, 6, 10, 2, 2, 1 },
        { 1, 3, 3, 5, 1, 1, 0 },
        { 2, 4, 4, 40, 4, 1, 2 },
        { 1, 12, 12, 17, 6, 1, 0 },
        { 1, 8, 8, 33, 4, 1, 3 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Forward_matches_the_loops(int batch, int height, int width, int channels, int window, int heads, int shift)
    {
        var shape = new AttentionShape(batch, height, width, channels, window, heads, shift);
        foreach (bool narrow in new[] { false, true })
        {
            using IDisposable settings = KernelSettings.Use(narrow, 2);
            Compare<float>(shape, 1e-5);
            Compare<double>(shape, 1e-13);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_match_central_differences(int batch, int height, int width, int channels, int window, int heads, int shift)
    {
        var shape = new AttentionShape(batch, height, width, channels, window, heads, shift);
        foreach (bool narrow in new[] { false, true })
        {
            using IDisposable settings = KernelSettings.Use(narrow, 2);
            foreach (bool accumulate in new[] { false, true })
            {
                Tensor[] inputs = Inputs(shape, DType.Float64);
                (_, PlainSink gradients) = PlainSink.Run(new WindowAttention(window, heads, shift), inputs[..2], inputs[2], accumulate);
                (_, PlainSink single) = PlainSink.Run(
                    new WindowAttention(window, heads, shift), [.. inputs[..2].Select(t => t.To(DType.Float32))],
                    inputs[2].To(DType.Float32), accumulate);
                for (int input = 0; input < 2; input++)
                {
                    CheckDifferences(shape, inputs, input, gradients[input], accumulate ? 1 : 0);
                    Numbers.AssertClose(gradients[input], single[input], 1e-4, $"{shape} float gradient {input}");
                }
            }
        }
    }

    [Fact]
    public void Gives_the_same_bits_on_any_number_of_threads_and_every_time()
    {
        var shape = new AttentionShape(2, 14, 21, 64, 7, 2, 3);
        Tensor[] inputs = Inputs(shape, DType.Float32);
        var op = new WindowAttention(7, 2, 3);
        (Tensor Output, PlainSink Gradients) first;
        using (KernelSettings.Use(false, 1))
            first = PlainSink.Run(op, inputs[..2], inputs[2]);
        for (int repeat = 0; repeat < 10; repeat++)
            using (KernelSettings.Use(false, 2 + repeat % 3))
            {
                (Tensor output, PlainSink gradients) = PlainSink.Run(op, inputs[..2], inputs[2]);
                Numbers.AssertSameBits(first.Output, output, "output");
                Numbers.AssertSameBits(first.Gradients[0], gradients[0], "dQkv");
                Numbers.AssertSameBits(first.Gradients[1], gradients[1], "dTable");
            }
    }

    [Fact]
    public void Nan_in_a_window_stays_in_its_result()
    {
        var shape = new AttentionShape(1, 4, 4, 32, 2, 1, 0);
        Tensor[] inputs = Inputs(shape, DType.Float32);
        inputs[0][0] = double.NaN;
        Tensor output = OperatorCall.Run(new WindowAttention(2, 1), inputs[0], inputs[1]);
        Assert.True(double.IsNaN(output[0]));
        Assert.False(double.IsNaN(output[output.Count - 1]));
    }

    [Fact]
    public void Names_the_wrong_argument()
    {
        ShapeException error = Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new WindowAttention(7, 3), Tensor.Zeros([1, 15, 14, 288]), Tensor.Zeros([169, 3])));
        Assert.Equal(
            "WindowAttention: qkv is (1,15,14,288), expected H and W multiples of window 7; pad the tokens with zeros before the attention",
            error.Message);
        Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new WindowAttention(7, 3), Tensor.Zeros([1, 14, 14, 288]), Tensor.Zeros([225, 3])));
        Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new WindowAttention(7, 3, 7), Tensor.Zeros([1, 14, 14, 288]), Tensor.Zeros([169, 3])));
    }

    private static Tensor[] Inputs(AttentionShape shape, DType type) =>
    [
        Numbers.Random([shape.Batch, shape.Height, shape.Width, 3 * shape.Channels], type, 1),
        Numbers.Random([(2 * shape.Window - 1) * (2 * shape.Window - 1), shape.Heads], type, 2),
        Numbers.Random([shape.Batch, shape.Height, shape.Width, shape.Channels], type, 3),
    ];

    private static void Compare<T>(AttentionShape shape, double tolerance) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Tensor[] inputs = Inputs(shape, DTypes.Of<T>());
        Tensor expected = Tensor.EmptyLike(inputs[2]), actual = Tensor.Full(expected.Shape, double.NaN, expected.DType);
        AttentionReference.Forward(shape, inputs[0].Pointer<T>(), inputs[1].Pointer<T>(), expected.Pointer<T>());
        Attention.Forward(shape, inputs[0].Pointer<T>(), inputs[1].Pointer<T>(), actual.Pointer<T>());
        Numbers.KeepAlive(inputs);
        Numbers.AssertClose(expected, actual, tolerance, shape.ToString());
    }

    private static void CheckDifferences(AttentionShape shape, Tensor[] inputs, int input, Tensor gradient, double offset)
    {
        const double Step = 1e-5;
        Tensor output = Tensor.EmptyLike(inputs[2]);
        var key = new RandomKey(1, 0, (uint)input);
        for (ulong sample = 0; sample < 12; sample++)
        {
            long at = key.Integer(sample, (int)inputs[input].Count);
            double value = inputs[input][at];
            double Loss(double x)
            {
                inputs[input][at] = x;
                AttentionReference.Forward(shape, inputs[0].Pointer<double>(), inputs[1].Pointer<double>(), output.Pointer<double>());
                double sum = 0;
                for (long i = 0; i < output.Count; i++)
                    sum += output[i] * inputs[2][i];
                return sum;
            }
            double numeric = (Loss(value + Step) - Loss(value - Step)) / (2 * Step);
            inputs[input][at] = value;
            Numbers.KeepAlive(inputs);
            double error = Math.Abs(gradient[at] - offset - numeric) / Math.Max(1, Math.Abs(numeric));
            Assert.True(error < 1e-7, $"{shape} gradient {input} at {at}: {gradient[at] - offset}, numeric {numeric}");
        }
    }
}
