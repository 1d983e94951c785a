using System.Numerics;
using CsUnet.Kernels;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Kernels;

[Collection(KernelSettings.Name)]
public sealed unsafe class Conv2dTests
{
    // Input channels, filters, kernel height and width, stride, padding, groups.
    public static TheoryData<int, int, int, int, int, int, int> Cases()
    {
        var cases = new TheoryData<int, int, int, int, int, int, int>();
        foreach (int channels in new[] { 3, 5, 16, 48 })
            foreach ((int height, int width, int stride, int padding) in new[]
                { (1, 1, 1, 0), (3, 3, 1, 1), (3, 3, 2, 1), (1, 1, 2, 0), (7, 7, 2, 3), (4, 4, 4, 0), (3, 2, 3, 2), (2, 3, 1, 0) })
                cases.Add(channels, channels == 5 ? 33 : 17, height, width, stride, padding, 1);
        foreach (int stride in new[] { 1, 2 })
        {
            cases.Add(4, 4, 3, 3, stride, 1, 4);
            cases.Add(6, 12, 3, 3, stride, 1, 3);
            cases.Add(32, 64, 3, 3, stride, 1, 2);
            cases.Add(5, 10, 1, 1, stride, 0, 5);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Matches_the_loops(int channels, int filters, int kernelHeight, int kernelWidth, int stride, int padding, int groups)
    {
        var shape = new ConvolutionShape(2, 9, 11, channels, filters, kernelHeight, kernelWidth, stride, padding, groups);
        foreach (bool narrow in new[] { false, true })
        {
            using IDisposable settings = KernelSettings.Use(narrow, 2);
            Compare<float>(shape, 2e-4);
            Compare<double>(shape, 1e-12);
        }
    }

    [Fact]
    public void Matches_the_loops_when_work_is_split()
    {
        foreach (bool narrow in new[] { false, true })
        {
            using IDisposable settings = KernelSettings.Use(narrow, 2);
            Compare<float>(new ConvolutionShape(2, 32, 20, 32, 40, 3, 3, 1, 1), 1e-3);
            Compare<float>(new ConvolutionShape(1, 7, 7, 160, 200, 3, 3, 1, 1), 1e-3);
            Compare<float>(new ConvolutionShape(2, 64, 48, 3, 32, 7, 7, 2, 3), 1e-3);
        }
    }

    [Fact]
    public void Gives_the_same_bits_on_any_number_of_threads_and_every_time()
    {
        foreach (ConvolutionShape shape in new ConvolutionShape[]
            { new(2, 32, 20, 32, 40, 3, 3, 1, 1), new(2, 30, 22, 64, 64, 3, 3, 2, 1), new(2, 64, 48, 3, 32, 7, 7, 2, 3),
                new(2, 9, 8, 8, 8, 3, 3, 1, 1, 8) })
        {
            Tensor[] inputs = Inputs(shape, DType.Float32);
            var op = new Conv2d(shape.Stride, shape.Padding, shape.Groups);
            (Tensor Output, PlainSink Gradients) first;
            using (KernelSettings.Use(false, 1))
                first = PlainSink.Run(op, inputs[..3], inputs[3]);
            for (int repeat = 0; repeat < 10; repeat++)
                using (KernelSettings.Use(false, 2 + repeat % 3))
                {
                    (Tensor output, PlainSink gradients) = PlainSink.Run(op, inputs[..3], inputs[3]);
                    Numbers.AssertSameBits(first.Output, output, $"{shape} output");
                    for (int i = 0; i < 3; i++)
                        Numbers.AssertSameBits(first.Gradients[i], gradients[i], $"{shape} gradient {i}");
                }
        }
    }

    [Fact]
    public void Names_the_wrong_argument()
    {
        ShapeException error = Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new Conv2d(), Tensor.Zeros([1, 8, 8, 6]), Tensor.Zeros([4, 3, 3, 5])));
        Assert.Equal("Conv2d: weight is (4,3,3,5), expected (O,KH,KW,6), 6 = channels of input (1,8,8,6) / 1 groups", error.Message);
        Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new Conv2d(), Tensor.Zeros([1, 2, 8, 6]), Tensor.Zeros([4, 3, 3, 6])));
        Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new Conv2d(Groups: 4), Tensor.Zeros([1, 8, 8, 6]), Tensor.Zeros([4, 3, 3, 6])));
    }

    private static Tensor[] Inputs(ConvolutionShape shape, DType type) =>
    [
        Numbers.Random([shape.Batch, shape.Height, shape.Width, shape.Channels], type, 1),
        Numbers.Random([shape.Filters, shape.KernelHeight, shape.KernelWidth, shape.GroupChannels], type, 2),
        Numbers.Random([shape.Filters], type, 3),
        Numbers.Random([shape.Batch, shape.OutputHeight, shape.OutputWidth, shape.Filters], type, 4),
    ];

    private static void Compare<T>(ConvolutionShape shape, double tolerance) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Tensor[] inputs = Inputs(shape, DTypes.Of<T>());
        T* x = inputs[0].Pointer<T>(), w = inputs[1].Pointer<T>(), bias = inputs[2].Pointer<T>(), dy = inputs[3].Pointer<T>();
        Tensor output = Tensor.EmptyLike(inputs[3]);
        Tensor[] expected = [Tensor.EmptyLike(inputs[0]), Tensor.EmptyLike(inputs[1]), Tensor.EmptyLike(inputs[2])];
        Conv2d.Reference(shape, x, w, bias, output.Pointer<T>());
        Conv2d.ReferenceBackward(
            shape, x, w, dy, expected[0].Pointer<T>(), false, expected[1].Pointer<T>(), false, expected[2].Pointer<T>(), false);
        Numbers.KeepAlive(inputs);
        foreach (bool accumulate in new[] { false, true })
        {
            (Tensor got, PlainSink gradients) = PlainSink.Run(
                new Conv2d(shape.Stride, shape.Padding, shape.Groups), inputs[..3], inputs[3], accumulate);
            Numbers.AssertClose(output, got, tolerance, $"{shape} output");
            for (int i = 0; i < 3; i++)
                Numbers.AssertClose(expected[i], gradients[i], tolerance, $"{shape} gradient {i}", accumulate ? 1 : 0);
        }
    }
}
