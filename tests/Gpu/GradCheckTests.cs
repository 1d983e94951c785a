using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary><c>csunet gradcheck</c> on a device: kernels against double, accumulated gradients, shared use, views, random shapes.</summary>
public sealed class GradCheckTests
{
    /// <summary>Every case of every operator that a device supports; it has no float64 to convert to.</summary>
    public static TheoryData<string> Cases() => [.. OperatorCases.All.Where(item => item.Op is not Cast).Select(item => item.Name)];

    /// <summary>Mistakes in a kernel that its plain output does not show.</summary>
    public enum Mistake
    {
        None,
        NoMask,
        Overwritten,
        OtherBits,
    }

    /// <summary>A ReLU that is right on the CPU and wrong on the device.</summary>
    private sealed record PlantedReLU(Mistake Mistake) : Operator
    {
        private static int s_calls;

        public override Tensor Forward(OperatorCall call) => OperatorCall.Run(new Activation(ActivationKind.ReLU), call[0]);

        public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
        {
            Tensor masked = dOutput.To(Device.Cpu).Clone(), output = call.Output.To(Device.Cpu);
            bool isWrong = dOutput.Device.Kind == DeviceKind.Cuda;
            for (long i = 0; i < masked.Count; i++)
                if (output[i] <= 0 && !(isWrong && Mistake == Mistake.NoMask))
                    masked[i] = 0;
            if (isWrong && Mistake == Mistake.OtherBits && s_calls++ % 2 == 1)
                masked[0] *= 1 + 1e-7;
            if (!isWrong || Mistake != Mistake.Overwritten)
                gradients.Give(0, masked.To(dOutput.Device));
            else
                gradients.Target(0, out _).CopyFrom(masked);
        }
    }

    private static GradCheckReport Check(Mistake mistake) => GradCheckSuite.RunOne(
        new OperatorCase("(3,5)", new PlantedReLU(mistake), Exactness.Sums, new OperatorInput("input", [3, 5], Fill.AwayFromZero)),
        Precision.Fp32, CudaDeviceFixture.Require());

    [Theory]
    [InlineData(Mistake.NoMask, "double: gradient of input")]
    [InlineData(Mistake.Overwritten, "accumulate: gradient of input")]
    [InlineData(Mistake.OtherBits, "repeat: gradient of input")]
    public void A_planted_mistake_is_caught_and_named(Mistake mistake, string expected)
    {
        Assert.True(Check(Mistake.None).Passed);
        GradCheckReport report = Check(mistake);
        Assert.False(report.Passed);
        Assert.Equal("PlantedReLU (3,5)", report.Name);
        Assert.Contains(expected, report.Failure);
        Assert.Equal("gradient of input", Assert.Single(report.Lines, line => !line.Passed).Argument);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_are_added_shared_and_of_views(string name)
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        OperatorCase item = OperatorCases.All.Single(item => item.Name == name);
        foreach (Precision precision in Enum.GetValues<Precision>()
            .Where(precision => precision != Precision.Tf32 || item.MultipliesMatrices))
        {
            GradCheckReport report = GradCheckSuite.RunOne(item, precision, device);
            Assert.True(report.Passed, $"{precision}: {report.Failure}");
            // Two refusals are allowed: of bfloat16, in the operator's own words, and of a case whose rounding would cross the kink of a
            // ReLU.
            if (precision != Precision.Fp32 && report.Refusal is { } refusal)
                Assert.Matches(precision == Precision.Bf16 ? "expected |no draw keeps" : "no draw keeps", refusal);
            else
                Assert.True(report.Lines.Count > 0);
        }
        CudaDeviceFixture.AssertNoFindings();
    }

    [Fact]
    public void Random_shapes_agree()
    {
        Device device = CudaDeviceFixture.Require();
        var reports = new List<GradCheckReport>();
        Assert.True(GradCheckSuite.Run(new GradCheckSelection { Pattern = "Softmax random", Device = device }, reports.Add),
            string.Join('\n', reports.Select(report => report.Failure)));
        Assert.All(reports, report => Assert.Equal(report.Refusal is null ? 3 : 0, report.Entries));
    }
}
