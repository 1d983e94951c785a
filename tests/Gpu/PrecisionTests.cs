using CsUnet.Autograd;
using CsUnet.Verification;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Gpu;

/// <summary>The operators in tf32 and bf16: at most twice as far from double as the reference arithmetic of the precision.</summary>
public sealed class PrecisionTests
{
    private static bool IsLoss(OperatorCase item) => item.Op is CrossEntropyDice or WeightedSum;

    /// <summary>
    /// Every case in bf16, but for the losses, which take the float32 logits that every network ends with, and conversions to float64; and
    /// the cases that multiply matrices in tf32 too.
    /// </summary>
    public static TheoryData<string, Precision> Cases()
    {
        var cases = new TheoryData<string, Precision>();
        foreach (OperatorCase item in OperatorCases.All.Where(item => item.Op is not Cast && !IsLoss(item)))
        {
            cases.Add(item.Name, Precision.Bf16);
            if (item.MultipliesMatrices)
                cases.Add(item.Name, Precision.Tf32);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Kernels_are_as_exact_as_the_precision_allows(string name, Precision precision) =>
        AssertAsExactAsAllowed(OperatorCases.All.Single(item => item.Name == name), precision);

    /// <summary>Runs a case on the device, in tf32 or bf16, and compares it with double.</summary>
    internal static void AssertAsExactAsAllowed(OperatorCase named, Precision precision)
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        (OperatorCase item, IReadOnlyList<(string Name, Tensor Value)> exact, IReadOnlyList<(string Name, Tensor Value)> got) =
            RunOffKinks(named, precision, device);
        IReadOnlyList<(string Name, Tensor Value)> plain = item.RunReference(precision);
        Assert.Equal(exact.Select(result => result.Name), got.Select(result => result.Name));
        for (int i = 0; i < exact.Count; i++)
        {
            (string tensor, Tensor reference) = exact[i];
            Tensor value = got[i].Value;
            Comparison comparison = item.Exactness == Exactness.Moves
                ? Comparison.Of(tensor, value, plain[i].Value, tolerance: 0)
                : Comparison.Of(tensor, value, reference,
                    Tolerances.Reduced(precision, Comparison.Of(tensor, plain[i].Value, reference, 0).Error));
            Assert.True(comparison.IsWithin, comparison.ToString());
        }
        CudaDeviceFixture.AssertNoFindings();
    }

    /// <summary>
    /// Runs a case in double and in the precision, on numbers of which rounding carries none over the kink of a rectifier: there the
    /// gradient jumps, and a difference means nothing.
    /// </summary>
    private static (OperatorCase Item, IReadOnlyList<(string Name, Tensor Value)> Exact, IReadOnlyList<(string Name, Tensor Value)> Got) RunOffKinks(
        OperatorCase item, Precision precision, Device device)
    {
        for (uint drawing = 0; drawing < 10; drawing++)
        {
            OperatorCase drawn = item with { Drawing = drawing };
            IReadOnlyList<(string Name, Tensor Value)> exact = drawn.RunWithGradients(DType.Float64);
            IReadOnlyList<(string Name, Tensor Value)> got =
                [.. drawn.RunWithGradients(precision, device).Select(result => (result.Name, result.Value.To(Device.Cpu)))];
            if (Enumerable.Range(0, (int)exact[0].Value.Count).All(i => exact[0].Value[i] == 0 == (got[0].Value[i] == 0)))
                return (drawn, exact, got);
        }
        Assert.Fail($"{item.Name}: {precision.Label()} and double differ in which outputs are 0, in each of 10 drawings");
        return default;
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

    /// <summary>Two networks on one device in turns, each in its own precision: neither may see what the other one set.</summary>
    [Fact]
    public void Networks_of_different_precision_take_turns()
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        Func<IReadOnlyList<byte[]>> Begin(Precision precision)
        {
            var model = new TinyModel { Precision = precision };
            model.Initialize(3);
            model.To(device);
            Variable logits = model.Forward(new Variable(OperatorCase.CreateCotangent([2, 32, 32, 3], DType.Float32).To(device)));
            return () =>
            {
                logits.Backward(OperatorCase.CreateCotangent(logits.Shape, DType.Float32).To(device));
                return [.. model.Parameters().Select(parameter => CudaDeviceFixture.Bits(parameter.Gradient!))];
            };
        }
        Dictionary<Precision, IReadOnlyList<byte[]>> alone = Enum.GetValues<Precision>().ToDictionary(precision => precision, precision => Begin(precision)());
        Assert.NotEqual(alone[Precision.Fp32], alone[Precision.Tf32]);
        foreach ((Precision first, Precision second) in new[] { (Precision.Tf32, Precision.Fp32), (Precision.Fp32, Precision.Tf32), (Precision.Bf16, Precision.Tf32) })
        {
            Func<IReadOnlyList<byte[]>> a = Begin(first), b = Begin(second);
            Assert.Equal(alone[first], a());
            Assert.Equal(alone[second], b());
            Assert.False(CudaDevice.Get(device).AllowTf32);
        }
        CudaDeviceFixture.AssertNoFindings();
    }

    [Fact]
    public void Losses_of_bfloat16_are_refused()
    {
        Device device = CudaDeviceFixture.Require();
        foreach (OperatorCase item in OperatorCases.All.Where(IsLoss))
            Assert.Contains("float32", Assert.Throws<ShapeException>(() => item.RunWithGradients(Precision.Bf16, device)).Message);
    }
}
