using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>The operators in tf32 and bf16: their error against double is at most twice that of the reference arithmetic.</summary>
public sealed class PrecisionTests
{
    private static bool IsLoss(OperatorCase item) => item.Op is CrossEntropyDice or WeightedSum;

    /// <summary>
    /// Every case in bf16, except the losses, which take the float32 logits of a network, and conversions to float64. In tf32, the cases
    /// that multiply matrices.
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
    /// Runs a case in double and in the precision, on numbers that rounding does not move across the kink of a ReLU: the gradient jumps
    /// there, and a difference would mean nothing.
    /// </summary>
    private static (OperatorCase Item, IReadOnlyList<(string Name, Tensor Value)> Exact,
        IReadOnlyList<(string Name, Tensor Value)> Got) RunOffKinks(
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

    /// <summary>Two networks take turns on one device, each in its own precision: neither may see the other's setting.</summary>
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
        Dictionary<Precision, IReadOnlyList<byte[]>> alone = Enum.GetValues<Precision>()
            .ToDictionary(precision => precision, precision => Begin(precision)());
        Assert.NotEqual(alone[Precision.Fp32], alone[Precision.Tf32]);
        foreach ((Precision first, Precision second) in new[] { (Precision.Tf32, Precision.Fp32), (Precision.Fp32, Precision.Tf32),
            (Precision.Bf16, Precision.Tf32) })
        {
            Func<IReadOnlyList<byte[]>> a = Begin(first), b = Begin(second);
            Assert.Equal(alone[first], a());
            Assert.Equal(alone[second], b());
            Assert.Equal(Precision.Fp32, Precisions.Current);
        }
        CudaDeviceFixture.AssertNoFindings();
    }

    /// <summary>
    /// Both threads keep their precision while both run. A precision of the device would be the last one set, for both threads.
    /// </summary>
    [Theory]
    [InlineData("Linear ")]
    [InlineData("Conv2d ")]
    [InlineData("WindowAttention ")]
    public void Two_threads_use_one_device_in_two_precisions_at_once(string start)
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        Precision[] precisions = [Precision.Tf32, Precision.Fp32];
        (OperatorCase item, IReadOnlyList<byte[]>[] alone) = OperatorCases.All
            .Where(item => item.Name.StartsWith(start, StringComparison.Ordinal))
            .Select(item => (item, precisions.Select(precision => Bits(item.RunWithGradients(precision, device))).ToArray()))
            .First(entry => !entry.Item2[0].SelectMany(bits => bits).SequenceEqual(entry.Item2[1].SelectMany(bits => bits)));
        var got = new IReadOnlyList<byte[]>[2][];
        using var together = new Barrier(2);
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(i => new Thread(() =>
        {
            using PrecisionScope scope = precisions[i].Use(device);
            together.SignalAndWait();
            got[i] = [.. Enumerable.Range(0, 4).Select(_ => Bits(item.RunWithGradients(DType.Float32, device)))];
            together.SignalAndWait();
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        for (int i = 0; i < 2; i++)
            Assert.All(got[i], bits => Assert.Equal(alone[i], bits));
        CudaDeviceFixture.AssertNoFindings();
    }

    private static IReadOnlyList<byte[]> Bits(IReadOnlyList<(string Name, Tensor Value)> results) =>
        [.. results.Select(result => CudaDeviceFixture.Bits(result.Value))];

    /// <summary>The backward pass of a call uses the call's precision, on any thread and in any scope.</summary>
    [Theory]
    [InlineData(Precision.Tf32, Precision.Fp32)]
    [InlineData(Precision.Fp32, Precision.Tf32)]
    public void A_backward_pass_keeps_the_precision_of_its_call(Precision forward, Precision elsewhere)
    {
        Device device = CudaDeviceFixture.Require();
        OperatorCase item = OperatorCases.All.First(item =>
            item.Op is Kernels.Linear { DropPath: null } && item.Inputs[0]!.Shape.Last % 4 == 0);
        IReadOnlyList<byte[]> expected = Bits(item.RunWithGradients(forward, device));
        Assert.NotEqual(expected, Bits(item.RunWithGradients(elsewhere, device)));
        Variable?[] inputs = item.CreateInputs(DType.Float32, device);
        Variable output;
        using (forward.Use(device))
            output = Variable.Apply(item.Op, inputs).Keep();
        var thread = new Thread(() =>
        {
            using PrecisionScope scope = elsewhere.Use(device);
            output.Backward(OperatorCase.CreateCotangent(output.Shape, DType.Float32).To(device));
        });
        thread.Start();
        thread.Join();
        IEnumerable<Tensor> gradients = inputs.Where(input => input is { RequiresGradient: true }).Select(input => input!.Gradient!);
        Assert.Equal(expected, [.. gradients.Prepend(output.Value).Select(CudaDeviceFixture.Bits)]);
    }

    [Fact]
    public void Losses_of_bfloat16_are_refused()
    {
        Device device = CudaDeviceFixture.Require();
        foreach (OperatorCase item in OperatorCases.All.Where(IsLoss))
            Assert.Contains("float32", Assert.Throws<ShapeException>(() => item.RunWithGradients(Precision.Bf16, device)).Message);
    }
}
