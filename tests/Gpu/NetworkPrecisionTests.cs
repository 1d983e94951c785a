using CsUnet.Autograd;
using CsUnet.Cases;
using CsUnet.Kernels;
using CsUnet.Models;
using CsUnet.Tensors;
using CsUnet.Tests.Training;
using CsUnet.Training;

namespace CsUnet.Tests.Gpu;

/// <summary>A whole CS-UNet in tf32 and bf16 on a CUDA device, against its fp32 self.</summary>
public sealed class NetworkPrecisionTests(PlainEmulator plain) : IClassFixture<PlainEmulator>, IDisposable
{
    private const int Size = 64, Batch = 2;

    private static readonly TrainingOptions s_options = new()
    {
        Model = "cs-unet-mini", Height = Size, Width = Size, Batch = Batch, Steps = 5, WarmUp = 2, ValidateEvery = 0, CheckpointEvery = 0,
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private readonly Workshop _workshop = new();
    private readonly PlainEmulator _plain = plain;

    public void Dispose() => _workshop.Dispose();

    private (double[] Losses, RunFolder Folder) Train(Precision precision, int steps = 5)
    {
        RunFolder folder = _workshop.NewFolder($"{precision}-{steps}");
        using Trainer trainer = Trainer.Create(s_options with { Precision = precision }, folder, Workshop.Train, null,
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
        Assert.Equal(5, expected.Length);
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

    /// <summary>The weights of a run in any precision are float32, and label on the processor what they label in their precision.</summary>
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

    [Fact]
    public void Gradients_point_where_those_of_fp32_do()
    {
        Assert.NotNull(_plain);
        Device device = CudaDeviceFixture.Require();
        IReadOnlyList<(string Name, Tensor Gradient)> expected = Gradients(Precision.Fp32, device), got = Gradients(Precision.Bf16, device);
        double largest = expected.Max(parameter => Comparison.Norm(parameter.Gradient));
        int compared = 0;
        foreach (((string name, Tensor fp32), (_, Tensor bf16)) in expected.Zip(got))
        {
            Assert.Equal(DType.Float32, bf16.DType);
            double cosine = Cosine(fp32, bf16);
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"{name}: cosine {cosine:F5}, norm {Comparison.Norm(fp32):E2}, ratio {Comparison.Norm(bf16) / Comparison.Norm(fp32):F4}");
        }
        Assert.True(compared >= 0);
    }

    private static IReadOnlyList<(string Name, Tensor Gradient)> Gradients(Precision precision, Device device)
    {
        var model = new CsUnetModel(s_options.ModelOptions(3) with { DropPath = 0 }) { Precision = precision };
        model.Initialize(1);
        model.To(device);
        model.Train();
        Tensor labels = Tensor.Empty([Batch, Size, Size], DType.UInt8);
        for (int i = 0; i < labels.Count; i++)
            labels[i] = i / 7 % 3;
        new SegmentationLoss().Apply(model.Forward(new Variable(Images().To(device))), labels.To(device)).Backward();
        return [.. model.NamedParameters().Select(named => (named.Name, named.Parameter.Gradient!.To(Device.Cpu)))];
    }

    private static double Cosine(Tensor a, Tensor b)
    {
        double sum = 0;
        for (long i = 0; i < a.Count; i++)
            sum += a[i] * b[i];
        return sum / (Comparison.Norm(a) * Comparison.Norm(b));
    }
}
