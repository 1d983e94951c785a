using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Kernels;

public sealed unsafe class LinearTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(6, 5, 3)]
    [InlineData(98, 33, 40)]
    [InlineData(700, 96, 17)]
    public void Matches_the_formulas(int rows, int n, int k)
    {
        Tensor input = Numbers.Random([rows, k], DType.Float64, 1), weight = Numbers.Random([n, k], DType.Float64, 2);
        Tensor bias = Numbers.Random([n], DType.Float64, 3), dOutput = Numbers.Random([rows, n], DType.Float64, 4);
        Tensor output = Tensor.Empty([rows, n], DType.Float64), dInput = Tensor.EmptyLike(input), dWeight = Tensor.EmptyLike(weight);
        Tensor dBias = Tensor.Zeros([n], DType.Float64);
        double* x = input.Pointer<double>(), w = weight.Pointer<double>(), dy = dOutput.Pointer<double>();
        CsUnet.Kernels.Cpu.Gemm.Reference(
            false, true, rows, n, k, x, k, w, k, output.Pointer<double>(), n, false, bias.Pointer<double>());
        CsUnet.Kernels.Cpu.Gemm.Reference(false, false, rows, k, n, dy, n, w, k, dInput.Pointer<double>(), k);
        CsUnet.Kernels.Cpu.Gemm.Reference(true, false, n, k, rows, dy, n, x, k, dWeight.Pointer<double>(), k);
        for (int i = 0; i < rows * n; i++)
            dBias[i % n] += dy[i];
        Numbers.KeepAlive(input, weight, bias, dOutput);
        foreach (DType type in new[] { DType.Float32, DType.Float64 })
            foreach (bool accumulate in new[] { false, true })
            {
                double tolerance = type == DType.Float32 ? 3e-5 : 1e-12, offset = accumulate ? 1 : 0;
                (Tensor got, PlainSink gradients) = PlainSink.Run(
                    new Linear(), [input.To(type), weight.To(type), bias.To(type)], dOutput.To(type), accumulate);
                Numbers.AssertClose(output, got, tolerance, "output");
                Numbers.AssertClose(dInput, gradients[0], tolerance, "dInput", offset);
                Numbers.AssertClose(dWeight, gradients[1], tolerance, "dWeight", offset);
                Numbers.AssertClose(dBias, gradients[2], tolerance, "dBias", offset);
            }
    }

    [Fact]
    public void Names_the_wrong_argument()
    {
        ShapeException error = Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new Linear(), Tensor.Zeros([2, 7, 96]), Tensor.Zeros([96, 80])));
        Assert.Equal("Linear: weight is (96,80), expected (N,96), 96 = last dimension of input (2,7,96)", error.Message);
        Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new Linear(), Tensor.Zeros([2, 80]), Tensor.Zeros([96, 80]), Tensor.Zeros([80])));
        Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new Linear(), Tensor.Zeros([2, 80]), Tensor.Zeros([96, 80], DType.Float64)));
    }

    [Fact]
    public void Counts_multiply_adds()
    {
        var call = new OperatorCall(new Linear(), [Tensor.Zeros([2, 7, 80]), Tensor.Zeros([96, 80])]);
        Assert.Equal(2L * 7 * 96 * 80, call.Operator.MultiplyAdds(call));
    }
}
