using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary><c>csunet gradcheck</c> for whole networks in tf32 and bf16: they are as exact as the reference arithmetic.</summary>
public sealed class NetworkGradCheckTests(PlainEmulator plain) : IClassFixture<PlainEmulator>
{
    private readonly PlainEmulator _plain = plain;

    /// <summary>Mistakes in an operator of the network.</summary>
    public enum Mistake
    {
        None,
        MissingFactor,
        LostImage,
        OtherBits,
    }

    /// <summary>An operator with a mistake in its backward pass.</summary>
    private sealed record Planted(Operator Right, Mistake Mistake) : Operator
    {
        private static int s_calls;

        public override Tensor Forward(OperatorCall call) => Right.Forward(call);

        public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
        {
            Tensor host = dOutput.To(Device.Cpu).Clone();
            double second = Mistake == Mistake.OtherBits && s_calls++ % 2 == 1 ? 1.01 : Mistake == Mistake.LostImage ? 0 : 1;
            for (long i = 0; i < host.Count; i++)
                host[i] *= Mistake == Mistake.MissingFactor ? 1.5 : i < host.Count / 2 ? 1 : second;
            Right.Backward(call, host.To(dOutput.Device), gradients);
        }
    }

    /// <summary>A small network whose batch norm has a mistake on the device.</summary>
    private static NetworkFactory Network(Mistake mistake) => (type, precision, device) =>
    {
        var model = new TinyModel(type: type) { Precision = precision };
        model.Allocate();
        foreach ((string name, Parameter parameter) in model.NamedParameters())
            parameter.SetValue(Formula.Parameter(name, parameter.Shape, type));
        model.SetRandomKey(seed: 5, step: 1);
        model.To(device);
        var images = new Variable(Formula.Input("images", [2, 32, 32, 3], type).To(device), requiresGradient: true, "images");
        Variable Run()
        {
            if (device.Kind == DeviceKind.Cpu)
                return model.Forward(images);
            using OperatorSubstitution scope = OperatorSubstitution.Begin((op, inputs) =>
                Variable.Apply(op is BatchNorm ? new Planted(op, mistake) : op, inputs));
            return model.Forward(images);
        }
        return new DifferentiableCase(Run, [images, .. model.Parameters()],
            ["images", .. model.NamedParameters().Select(named => named.Name)]);
    };

    [Theory]
    [InlineData(Precision.Tf32)]
    [InlineData(Precision.Bf16)]
    public void A_planted_mistake_is_caught_and_named(Precision precision)
    {
        Assert.NotNull(_plain);
        Device device = CudaDeviceFixture.Require();
        GradCheckReport Check(Mistake mistake) => GradCheckSuite.RunOne("TinyModel", Network(mistake), precision, device);
        GradCheckReport right = Check(Mistake.None);
        Assert.True(right.Passed, right.Failure);
        Assert.Equal(8, right.Lines.Count);
        Assert.All(right.Lines, line => Assert.True(line.Check == "length" && line.Error > 0, $"{line}"));
        foreach ((Mistake mistake, string expected) in new[]
        {
            (Mistake.MissingFactor, "norm.weight: length: the error of norm.weight is 5."), (Mistake.LostImage, "norm.weight: length: "),
                (Mistake.OtherBits, "repeat: "),
        })
        {
            GradCheckReport report = Check(mistake);
            Assert.False(report.Passed, $"{mistake}");
            Assert.Equal(precision.Label(), report.Type);
            Assert.Contains(report.Lines, line => $"{line.Argument}: {line.Failure}".Contains(expected, StringComparison.Ordinal));
            // Layers after the mistake in the forward pass come before it in the backward pass, so they pass.
            Assert.True(report.Lines.Single(line => line.Argument == "head.weight").Passed);
        }
    }

    /// <summary>Only one precision here, since the others differ less; <c>csunet gradcheck</c> runs all of them.</summary>
    [Fact]
    public void A_whole_network_is_as_exact_as_a_plain_one()
    {
        (string name, NetworkFactory create) = ModuleCases.Networks[0];
        GradCheckReport report = GradCheckSuite.RunOne(
            name, (type, precision, device) => ModuleCases.WithSteadyNorms(create(type, precision, device)), Precision.Bf16,
            CudaDeviceFixture.Require());
        Assert.True(report.Passed, report.Failure);
        Assert.True(report.Lines.Count > 40, $"{report.Lines.Count}");
    }
}
