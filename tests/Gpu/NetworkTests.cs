using System.Globalization;
using CsUnet.Data;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>Training of a whole CS-UNet on a CUDA device, compared with the CPU and with libtorch.</summary>
public sealed class NetworkTests : IClassFixture<PlainEmulator>, IDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private readonly TrainingFixture _workshop = new();

    public void Dispose() => _workshop.Dispose();

    private static readonly TrainingOptions s_mini = new()
    {
        Model = "cs-unet-mini", Height = 64, Width = 64, Batch = 2, Steps = 5, ValidateEvery = 0, CheckpointEvery = 0, Patience = 0,
    };

    private (Recorder Recorder, RunFolder Folder) Train(string name, ExecutionOptions execution)
    {
        RunFolder folder = _workshop.NewFolder(name);
        using Trainer trainer = Trainer.Create(s_mini, folder, TrainingFixture.Train, null, execution);
        var recorder = new Recorder();
        trainer.Run(recorder, Token);
        Assert.Equal(execution.Device.Kind == DeviceKind.Cuda && execution.UsesGraph ? 4 : 0, trainer.ReplayedSteps);
        return (recorder, folder);
    }

    [Fact]
    public void Five_steps_of_the_mini_network_are_the_processors_and_repeat_bit_for_bit()
    {
        var cuda = new ExecutionOptions { Device = CudaDeviceFixture.Require(), StepsPerRead = 10 };
        (Recorder expected, _) = Train("host", new ExecutionOptions());
        (Recorder first, RunFolder one) = Train("graph", cuda);
        (Recorder second, RunFolder two) = Train("eager", cuda with { UsesGraph = false });
        Assert.Equal(5, first.Steps.Count);
        foreach ((StepReport a, StepReport b) in expected.Steps.Zip(first.Steps))
            Assert.Equal(a.Loss, b.Loss, 1e-3 * a.Loss);
        Assert.Equal(first.Steps.Select(step => step.Loss), second.Steps.Select(step => step.Loss));
        Assert.Equal(first.Steps.Select(step => step.GradientNorm), second.Steps.Select(step => step.GradientNorm));
        Assert.Equal(File.ReadAllBytes(one.LastPath), File.ReadAllBytes(two.LastPath));
    }

    private sealed class SameBatch(Tensor images, Tensor labels) : IBatchSource
    {
        public int StepsPerEpoch => 1;

        public Batch GetBatch(int step) => new(images, labels);

        public void Dispose()
        {
        }
    }

    [Fact]
    public void Ten_steps_of_the_mini_network_are_libtorchs()
    {
        Device device = CudaDeviceFixture.Require();
        using SafetensorsFile golden = SafetensorsFile.Read(GoldenFile("csunet_mini_ten_steps.safetensors"));
        double Number(string key) => double.Parse(golden.Metadata[key], CultureInfo.InvariantCulture);
        Assert.Equal("0.4*ce+0.6*dice", golden.Metadata["loss"]);
        TrainingOptions options = s_mini with
        {
            Steps = 10, LearningRate = Number("lr"), WeightDecay = Number("weight_decay"), WarmUp = 0, Schedule = ScheduleKind.Constant,
            CrossEntropyWeight = 0.4, DiceWeight = 0.6, ClipNorm = 0, DropPath = 0,
        };
        var model = new CsUnetModel(new CsUnetOptions
        {
            Height = 64, Width = 64, Classes = 3, EmbedDim = 32, Depths = [2, 2, 2, 2], Heads = [1, 2, 4, 8], Window = 4,
                Mlp = MlpKind.ResMlp,
            DropPath = 0, Cnn = new ResNetOptions(ResidualBlockKind.Bottleneck, [1, 1, 1, 1], 16),
        });
        Formula.Fill(model);
        Tensor labels = golden.Load("in.y"), bytes = Tensor.Empty(labels.Shape, DType.UInt8);
        for (long i = 0; i < labels.Count; i++)
            bytes[i] = labels[i];
        var recorder = new Recorder();
        using var trainer = new Trainer(options, model, TrainingFixture.Header(model),
            new SameBatch(ChannelOrder.ToLast(golden.Load("in.x")), bytes), null, _workshop.NewFolder("golden"),
            new ExecutionOptions { Device = device, StepsPerRead = 4 });
        trainer.Run(recorder, Token);
        Assert.Equal(9, trainer.ReplayedSteps);
        Tensor losses = Tensor.From<double>([.. recorder.Steps.Select(step => step.Loss)], [10]);
        Comparison comparison = Comparison.Of("losses", losses, golden.Load("out.losses").To(DType.Float64),
            Tolerances.Golden(DType.Float32, Number("float32_error")));
        Assert.True(comparison.IsWithin, comparison.ToString());
    }

    private static string GoldenFile(string name)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !Directory.Exists(Path.Combine(folder.FullName, "tests", "Golden", "data")))
            folder = folder.Parent;
        return Path.Combine(Assert.IsType<DirectoryInfo>(folder).FullName, "tests", "Golden", "data", name);
    }
}
