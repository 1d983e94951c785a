using CsUnet.Autograd;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>A whole CS-UNet in tf32 and bf16 on a CUDA device, compared with fp32.</summary>
public sealed class NetworkPrecisionTests(PlainEmulator plain) : IClassFixture<PlainEmulator>, IDisposable
{
    private const int Size = 64, Batch = 2;

    private static readonly TrainingOptions s_options = new()
    {
        Model = "cs-unet-mini", Height = Size, Width = Size, Batch = Batch, Steps = 3, WarmUp = 2, ValidateEvery = 0, CheckpointEvery = 0,
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private readonly TrainingFixture _workshop = new();
    private readonly PlainEmulator _plain = plain;

    public void Dispose() => _workshop.Dispose();

    private (double[] Losses, RunFolder Folder) Train(Precision precision, int steps = 3)
    {
        RunFolder folder = _workshop.NewFolder($"{precision}-{steps}");
        using Trainer trainer = Trainer.Create(s_options with { Precision = precision }, folder, TrainingFixture.Train, null,
            new ExecutionOptions { Device = CudaDeviceFixture.Require() });
        using var cancellation = new CancellationTokenSource();
        var recorder = new Recorder { AtStep = step => { if (step.Step == steps) cancellation.Cancel(); } };
        using (Token.Register(cancellation.Cancel))
            trainer.Run(recorder, cancellation.Token);
        return ([.. recorder.Steps.Select(step => step.Loss)], folder);
    }

    [Fact]
    public void Training_follows_fp32_and_repeats_bit_for_bit()
    {
        Assert.NotNull(_plain);
        (double[] expected, _) = Train(Precision.Fp32);
        Assert.Equal(3, expected.Length);
        foreach (Precision precision in new[] { Precision.Tf32, Precision.Bf16 })
        {
            (double[] losses, RunFolder folder) = Train(precision);
            Assert.NotEqual(expected, losses);
            foreach ((double loss, double fp32) in losses.Zip(expected))
                Assert.Equal(fp32, loss, Tolerances.LossOfNetwork(precision) * fp32);
            (double[] repeated, _) = Train(precision, steps: 2);
            Assert.Equal(losses[..2], repeated);
            AssertEvaluatesOnTheProcessor(folder, precision);
        }
    }

    /// <summary>The weights of a run in any precision are float32, and give the same logits on the CPU, within the tolerance.</summary>
    private static void AssertEvaluatesOnTheProcessor(RunFolder folder, Precision precision)
    {
        using (SafetensorsFile file = SafetensorsFile.Read(folder.LastPath))
            Assert.All(file.Entries, entry => Assert.Equal("F32", entry.DType));
        Checkpoint host = Checkpoint.Load(folder.LastPath), device = Checkpoint.Load(folder.LastPath, device: CudaDeviceFixture.Require());
        device.Model.Precision = precision;
        Tensor images = Images();
        Tensor expected = Logits(host.Model, images), got = Logits(device.Model, images);
        Assert.Equal(DType.Float32, got.DType);
        Comparison comparison = Comparison.Of("logits", got, expected, Tolerances.LogitsOfNetwork(precision));
        Assert.True(comparison.IsWithin, comparison.ToString());
    }

    private static Tensor Logits(SegmentationModel model, Tensor images)
    {
        using NoGrad scope = NoGrad.Begin();
        return model.Forward(new Variable(images.To(model.Device))).Value.To(Device.Cpu);
    }

    private static Tensor Images() => OperatorCase.CreateCotangent([Batch, Size, Size, 3], DType.Float32);

    /// <summary>
    /// The gradient of a CNN jumps when rounding moves the input of a ReLU across 0. Even float32 with rounded weights and images turns it.
    /// So bf16 is compared with that; parts without ReLUs are compared with float32 itself.
    /// </summary>
    [Fact]
    public void Gradients_of_bf16_point_where_those_of_float32_do()
    {
        Assert.NotNull(_plain);
        IReadOnlyList<(string Name, Tensor Gradient)> exact = Gradients(Precision.Fp32, Device.Cpu, isRounded: false),
            rounded = Gradients(Precision.Fp32, Device.Cpu, isRounded: true),
            got = Gradients(Precision.Bf16, CudaDeviceFixture.Require(), isRounded: false);
        for (int i = 0; i < exact.Count; i++)
        {
            (string name, Tensor gradient) = got[i];
            Assert.Equal(DType.Float32, gradient.DType);
            double angle = Angle(exact[i].Gradient, gradient), least = Angle(exact[i].Gradient, rounded[i].Gradient);
            double allowed = name.StartsWith("cnn.", StringComparison.Ordinal)
                ? Tolerances.AngleOverRounding * least
                : Tolerances.GradientAngle;
            Assert.True(angle <= allowed, $"{name}: {angle:F4} rad from float32's, allowed {allowed:F4}");
            double ratio = Comparison.Norm(gradient) / Comparison.Norm(exact[i].Gradient);
            Assert.True(Math.Abs(ratio - 1) <= Tolerances.GradientLength, $"{name}: {ratio:F4} times as long as float32's");
        }
    }

    private static IReadOnlyList<(string Name, Tensor Gradient)> Gradients(Precision precision, Device device, bool isRounded)
    {
        Tensor Rounded(Tensor tensor) => isRounded ? tensor.To(DType.BFloat16).To(DType.Float32) : tensor;
        var model = new CsUnetModel((CsUnetOptions)s_options.ModelOptions(3) with { DropPath = 0 }) { Precision = precision };
        model.Initialize(1);
        foreach (Parameter parameter in model.Parameters())
            parameter.Value.CopyFrom(Rounded(parameter.Value));
        model.To(device);
        Tensor labels = Tensor.Empty([Batch, Size, Size], DType.UInt8);
        for (int i = 0; i < labels.Count; i++)
            labels[i] = i / 7 % 3;
        new SegmentationLoss().Apply(model.Forward(new Variable(Rounded(Images()).To(device))), labels.To(device)).Backward();
        return [.. model.NamedParameters().Select(named => (named.Name, named.Parameter.Gradient!.To(Device.Cpu)))];
    }

    private static double Angle(Tensor a, Tensor b)
    {
        double sum = 0;
        for (long i = 0; i < a.Count; i++)
            sum += a[i] * b[i];
        return Math.Acos(Math.Clamp(sum / (Comparison.Norm(a) * Comparison.Norm(b)), -1, 1));
    }
}
