using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>Matrix products large enough for large tiles or split sums; the operator cases are too small.</summary>
public sealed class GemmTests
{
    /// <summary>
    /// Rows, input and output channels: tiles of 128 x 64 or 128 x 128, tiles of 128 x 96, and split sums in the forward and backward pass.
    /// </summary>
    public static TheoryData<int, int, int, Precision> Sizes()
    {
        var sizes = new TheoryData<int, int, int, Precision>();
        foreach (Precision precision in Enum.GetValues<Precision>())
        {
            sizes.Add(1000, 16, 128, precision);
            sizes.Add(1025, 32, 96, precision);
            sizes.Add(24, 1040, 16, precision);
            sizes.Add(24, 16, 1040, precision);
        }
        return sizes;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Large_products_are_as_exact_as_the_precision_allows(int rows, int inputs, int outputs, Precision precision)
    {
        var item = new OperatorCase($"({rows},{inputs})->{outputs}", new Linear(new DropPath(0.3, new RandomKey(3, 1, 2))), Exactness.Sums,
            new("input", [rows, 1, inputs]), new("weight", [outputs, inputs], Role: InputRole.MatrixWeight),
            new("bias", [outputs], Role: InputRole.Parameter), new("residual", [rows, 1, outputs]));
        if (precision != Precision.Fp32)
        {
            PrecisionTests.AssertAsExactAsAllowed(item, precision);
            return;
        }
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        foreach (((string tensor, Tensor reference), (_, Tensor value)) in
            item.RunWithGradients(DType.Float64).Zip(item.RunWithGradients(DType.Float32, device)))
        {
            Comparison comparison = Comparison.Of(tensor, value.To(Device.Cpu), reference, Tolerances.Float32(item.Exactness));
            Assert.True(comparison.IsWithin, comparison.ToString());
        }
        CudaDeviceFixture.AssertNoFindings();
    }
}
