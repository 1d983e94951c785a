using CsUnet.Cases;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Tests.Gpu;

/// <summary>The operators in tf32 and bf16: at most twice as far from double as a plain implementation of the precision.</summary>
public sealed class PrecisionTests
{
    /// <summary>Operators without bfloat16, which say so.</summary>
    private static readonly Type[] s_withoutBf16 = [typeof(LayerNorm)];

    /// <summary>
    /// Every case in bf16, but for the losses, which take the float32 logits that every network ends with, and conversions to float64; and
    /// the cases that multiply matrices in tf32 too.
    /// </summary>
    public static TheoryData<string, Precision> Cases()
    {
        var cases = new TheoryData<string, Precision>();
        foreach (OperatorCase item in OperatorCases.All.Where(item => item.Op is not (Cast or CrossEntropy or SoftDice or WeightedSum)))
        {
            if (!s_withoutBf16.Contains(item.Op.GetType()))
                cases.Add(item.Name, Precision.Bf16);
            if (item.Inputs.Any(input => input is { Role: InputRole.MatrixWeight }))
                cases.Add(item.Name, Precision.Tf32);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Kernels_are_as_exact_as_the_precision_allows(string name, Precision precision) =>
        AssertAsExactAsAllowed(OperatorCases.All.Single(item => item.Name == name), precision);

    /// <summary>Runs a case on the device, in tf32 or bf16, and compares it with double.</summary>
    internal static void AssertAsExactAsAllowed(OperatorCase item, Precision precision)
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        IReadOnlyList<(string Name, Tensor Value)> exact = item.RunWithGradients(DType.Float64), plain = item.RunPlain(precision);
        IReadOnlyList<(string Name, Tensor Value)> got = item.RunWithGradients(precision, device);
        Assert.Equal(exact.Select(result => result.Name), got.Select(result => result.Name));
        for (int i = 0; i < exact.Count; i++)
        {
            (string tensor, Tensor reference) = exact[i];
            Tensor value = got[i].Value.To(Device.Cpu);
            Comparison comparison = item.Exactness == Exactness.Moves
                ? Comparison.Of(tensor, value, plain[i].Value, tolerance: 0)
                : Comparison.Of(tensor, value, reference,
                    Tolerances.Reduced(precision, Comparison.Of(tensor, plain[i].Value, reference, 0).Error));
            Assert.True(comparison.IsWithin, comparison.ToString());
        }
        CudaDeviceFixture.AssertNoFindings();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Repeated_runs_give_the_same_bits(string name, Precision precision)
    {
        Device device = CudaDeviceFixture.Require();
        OperatorCase item = OperatorCases.All.Single(item => item.Name == name);
        IReadOnlyList<byte[]> Run() => [.. item.RunWithGradients(precision, device).Select(result => CudaDeviceFixture.Bits(result.Value))];
        IReadOnlyList<byte[]> first = Run();
        for (int run = 0; run < 2; run++)
            Assert.Equal(first, Run());
    }

    [Fact]
    public void Operators_without_bfloat16_say_so()
    {
        Device device = CudaDeviceFixture.Require();
        foreach (OperatorCase item in OperatorCases.All.Where(item => s_withoutBf16.Contains(item.Op.GetType())))
            Assert.Contains("expected bfloat16", Assert.Throws<ShapeException>(() => item.RunWithGradients(Precision.Bf16, device)).Message);
    }
}
