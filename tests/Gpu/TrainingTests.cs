using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Gpu;

/// <summary>The trainer on a CUDA device, with a small network.</summary>
public sealed class TrainingTests : IClassFixture<PlainEmulator>, IDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private readonly TrainingFixture _workshop = new();

    public void Dispose() => _workshop.Dispose();

    internal static readonly TrainingOptions Options = TrainingFixture.Options with { ClipNorm = 0.5 };

    private static TinyModel NewModel() => new();

    private Trainer NewTrainer(
        string name, ExecutionOptions execution, TrainingOptions? options = null, IBatchSource? batches = null,
        SegmentationModel? model = null, MicrographDataset? validation = null) =>
            NewTrainer(_workshop.NewFolder(name), execution, options, batches, model, validation);

    internal static Trainer NewTrainer(
        RunFolder folder, ExecutionOptions execution, TrainingOptions? options = null, IBatchSource? batches = null,
        SegmentationModel? model = null, MicrographDataset? validation = null)
    {
        options ??= Options;
        model ??= NewModel();
        model.Initialize(options.Seed);
        options.Save(folder.ConfigPath);
        return new Trainer(options, model, TrainingFixture.Header(model), batches
            ?? options.CreateBatches(TrainingFixture.Train, Normalisation.ImageNet),
            validation, folder, execution);
    }

    private static string[] Rows(RunFolder folder) =>
        [.. MetricsLog.Read(folder.MetricsPath).Select(row => $"{row with { ImagesPerSecond = 0 }}")];

    private static void AssertSame(RunFolder a, RunFolder b)
    {
        Assert.Equal(Rows(a), Rows(b));
        Assert.Equal(File.ReadAllBytes(a.LastPath), File.ReadAllBytes(b.LastPath));
    }

    [Fact]
    public void A_recorded_step_gives_the_bits_of_one_that_is_not_and_the_processors_losses()
    {
        var execution = new ExecutionOptions { Device = CudaDeviceFixture.Require() };
        var recorders = new Recorder[] { new(), new(), new() };
        using Trainer graph = NewTrainer("graph", execution with { StepsPerRead = 5 }, validation: TrainingFixture.Validation),
            eager = NewTrainer("eager", execution with { UsesGraph = false }, validation: TrainingFixture.Validation),
            host = NewTrainer("host", new ExecutionOptions(), validation: TrainingFixture.Validation);
        graph.Run(recorders[0], Token);
        eager.Run(recorders[1], Token);
        host.Run(recorders[2], Token);
        Assert.Equal((11, 0), (graph.ReplayedSteps, eager.ReplayedSteps));
        AssertSame(graph.Folder, eager.Folder);
        Assert.All(recorders, recorder => Assert.Equal(Enumerable.Range(1, 12), recorder.Steps.Select(step => step.Step)));
        foreach ((StepReport expected, StepReport got) in recorders[2].Steps.Zip(recorders[0].Steps))
        {
            Assert.Equal(expected.Loss, got.Loss, 1e-3 * expected.Loss);
            Assert.Equal(expected.GradientNorm, got.GradientNorm, 1e-3 * expected.GradientNorm);
            Assert.Equal(expected.LearningRate, got.LearningRate);
            Assert.Equal(expected.MeanIoU, got.MeanIoU, 0.02);
        }
        Assert.Equal(recorders[1].Steps.Select(step => (step.Loss, step.GradientNorm, step.MeanIoU)),
            recorders[0].Steps.Select(step => (step.Loss, step.GradientNorm, step.MeanIoU)));
        Assert.Equal(recorders[2].Validations.Select(validation => validation.Step),
            recorders[0].Validations.Select(validation => validation.Step));
    }

    [Theory]
    [InlineData(Precision.Tf32)]
    [InlineData(Precision.Bf16)]
    public void A_recorded_step_gives_the_same_bits_in_every_precision(Precision precision)
    {
        var execution = new ExecutionOptions { Device = CudaDeviceFixture.Require(), StepsPerRead = 3 };
        TrainingOptions options = Options with { Precision = precision, Steps = 4, ValidateEvery = 0 };
        Recorder recorded = new(), launched = new();
        using Trainer graph = NewTrainer("graph", execution, options),
            eager = NewTrainer("eager", execution with { UsesGraph = false }, options);
        graph.Run(recorded, Token);
        eager.Run(launched, Token);
        Assert.Equal((3, 0), (graph.ReplayedSteps, eager.ReplayedSteps));
        AssertSame(graph.Folder, eager.Folder);
        Assert.Equal(launched.Steps.Select(step => (step.Loss, step.GradientNorm)),
            recorded.Steps.Select(step => (step.Loss, step.GradientNorm)));
    }

    [Fact]
    public void A_resumed_run_ends_in_the_bits_of_one_that_was_not_stopped()
    {
        var execution = new ExecutionOptions { Device = CudaDeviceFixture.Require(), StepsPerRead = 4 };
        using Trainer whole = NewTrainer("whole", execution);
        whole.Run(cancellation: Token);
        RunFolder folder = _workshop.NewFolder("stopped");
        using (var cancellation = new CancellationTokenSource())
        using (Trainer first = NewTrainer(folder, execution))
        {
            TrainingResult result = first.Run(new Recorder { AtStep = step => { if (step.Step == 7) cancellation.Cancel(); } },
                cancellation.Token);
            Assert.Equal(TrainingOutcome.Cancelled, result.Outcome);
        }
        using Trainer second = NewTrainer(folder, execution);
        second.Resume();
        second.Run(cancellation: Token);
        AssertSame(whole.Folder, folder);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_run_goes_on_on_another_device(bool toDevice)
    {
        ExecutionOptions cuda = new() { Device = CudaDeviceFixture.Require() }, cpu = new();
        using Trainer whole = NewTrainer("whole", cpu);
        var expected = new Recorder();
        whole.Run(expected, Token);
        RunFolder folder = _workshop.NewFolder("moved");
        using (var cancellation = new CancellationTokenSource())
        using (Trainer first = NewTrainer(folder, toDevice ? cpu : cuda))
            first.Run(new Recorder { AtStep = step => { if (step.Step == 6) cancellation.Cancel(); } }, cancellation.Token);
        using Trainer second = NewTrainer(folder, toDevice ? cuda : cpu);
        second.Resume();
        Assert.Equal(6, second.Step);
        var got = new Recorder();
        second.Run(got, Token);
        Assert.Equal(12, second.Step);
        foreach ((StepReport a, StepReport b) in expected.Steps.Skip(6).Zip(got.Steps))
            Assert.Equal(a.Loss, b.Loss, 1e-3 * a.Loss);
    }

    /// <summary>Batches that are modified at one step.</summary>
    private sealed class ChangedSource(int step, Action<Batch> change) : IBatchSource
    {
        private readonly BatchLoader _source = Options.CreateBatches(TrainingFixture.Train, Normalisation.ImageNet);

        public int StepsPerEpoch => _source.StepsPerEpoch;

        public Batch GetBatch(int current)
        {
            Batch batch = _source.GetBatch(current);
            if (current + 1 != step)
                return batch;
            var changed = new Batch(batch.Images.Clone(), batch.Labels.Clone());
            change(changed);
            return changed;
        }

        public void Dispose() => _source.Dispose();
    }

    [Theory]
    [InlineData(true, 6)]
    [InlineData(false, 8)]
    public void An_error_of_a_step_names_it_though_later_ones_were_begun(bool usesGraph, int bad)
    {
        var execution = new ExecutionOptions { Device = CudaDeviceFixture.Require(), UsesGraph = usesGraph, StepsPerRead = 12 };
        TrainingOptions options = Options with { CheckpointEvery = 5, ValidateEvery = 0 };
        using Trainer loss = NewTrainer("loss", execution, options, new ChangedSource(bad, batch => batch.Images[7] = double.NaN));
        string message = Assert.Throws<RunException>(() => loss.Run(cancellation: Token)).Message;
        Assert.StartsWith($"step {bad}: the loss is not a number; the last good checkpoint stays", message);
        using (SafetensorsFile kept = SafetensorsFile.Read(loss.Folder.LastPath))
            Assert.Equal(5, CheckpointHeader.Of(kept).Step);
        using Trainer labels = NewTrainer("labels", execution, options, new ChangedSource(bad, batch => batch.Labels[3] = 9));
        Assert.StartsWith($"step {bad}: 1 pixel has a label of no class",
            Assert.Throws<RunException>(() => labels.Run(cancellation: Token)).Message);
        // The error was reported once and is not reported again.
        InvalidLabels.ThrowIfAny(execution.Device);
    }

    [Fact]
    public void A_run_goes_on_and_ends_on_other_threads()
    {
        var execution = new ExecutionOptions { Device = CudaDeviceFixture.Require(), StepsPerRead = 4 };
        using Trainer whole = NewTrainer("whole", execution);
        whole.Run(cancellation: Token);
        Trainer moving = NewTrainer("moving", execution);
        using var cancellation = new CancellationTokenSource();
        OnNewThread(() => moving.Run(new Recorder { AtStep = step => { if (step.Step == 7) cancellation.Cancel(); } }, cancellation.Token));
        Assert.InRange(moving.Step, 7, 11);
        OnNewThread(() => moving.Run(cancellation: Token));
        OnNewThread(moving.Dispose);
        AssertSame(whole.Folder, moving.Folder);

        static void OnNewThread(Action action)
        {
            Exception? failure = null;
            var thread = new Thread(() => failure = Xunit.Record.Exception(action));
            thread.Start();
            thread.Join();
            Assert.Null(failure);
        }
    }

    [Fact]
    public void Memory_is_flat_from_the_second_step_on()
    {
        var execution = new ExecutionOptions { Device = CudaDeviceFixture.Require() };
        foreach (bool usesGraph in new[] { false, true })
        {
            var reserved = new List<long>();
            Trainer? running = null;
            using Trainer trainer = running = NewTrainer($"flat{usesGraph}", execution with { UsesGraph = usesGraph },
                Options with { ValidateEvery = 0 });
            trainer.Run(new Recorder { AtStep = _ => reserved.Add(running.ReservedBytes) }, Token);
            Assert.Equal(12, reserved.Count);
            Assert.True(reserved[0] > 0);
            Assert.Single(reserved.Skip(1).Distinct());
        }
    }

    /// <summary>Reads its input back, which a captured step cannot do.</summary>
    private sealed record ReadsBack : Operator
    {
        public override Tensor Forward(OperatorCall call) => call[0].To(Device.Cpu).To(call[0].Device);

        public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients) => gradients.Pass(0, dOutput);
    }

    [Fact]
    public void An_operator_that_cannot_be_recorded_is_named()
    {
        var execution = new ExecutionOptions { Device = CudaDeviceFixture.Require() };
        var parameter = new Parameter(Tensor.Zeros([4]).To(execution.Device), "p");
        RecordingException failure = Assert.Throws<RecordingException>(() => CudaDevice.Get(execution.Device).Record(
            () => Variable.Apply(new ReadsBack(), parameter)));
        Assert.Contains("ReadsBack (forward) cannot be recorded as a CUDA graph: it copies 16 bytes from the device to the host",
            failure.Message);
        Assert.EndsWith("; run it without recording", failure.Message);
        Assert.Contains("more bytes of device memory than the warm-up step",
            Assert.Throws<RecordingException>(() => CudaDevice.Get(execution.Device).Record(
            () => parameter.ReLU())).Message);
        // The device continues as if nothing had happened.
        Assert.False(CudaDevice.Get(execution.Device).IsRecording);
        Assert.Equal(0, Variable.Apply(new ReadsBack(), parameter).Value.To(Device.Cpu)[3]);
    }

    [Fact]
    public void Predictions_are_the_processors()
    {
        Device device = CudaDeviceFixture.Require();
        TinyModel here = NewModel(), there = NewModel();
        here.Initialize(2);
        there.Initialize(2);
        there.To(device);
        using Predictor expected = new(here), got = new(there);
        Image image = TrainingFixture.Validation[0].Image;
        Prediction a = expected.Predict(image, keepProbabilities: true, Token), b = got.Predict(image, keepProbabilities: true, Token);
        foreach ((float x, float y) in a.Probabilities!.Zip(b.Probabilities!))
            Assert.Equal(x, y, 1e-5);
        Assert.InRange(a.Labels.Zip(b.Labels).Count(pair => pair.First != pair.Second), 0, a.Labels.Length / 1000);
    }

    [Fact]
    public void A_checkpoint_with_a_number_that_is_not_finite_is_refused_on_a_device()
    {
        Device device = CudaDeviceFixture.Require();
        SegmentationModel model = TrainingFixture.CsUnetOptions.ModelOptions(3).Create();
        model.Initialize(1);
        model.NamedParameters()[2].Parameter.Value[1] = double.NaN;
        string path = _workshop.Path("bad.safetensors");
        StateDict.Save(model, path, TrainingFixture.Header(model).ToMetadata());
        Assert.Contains($"{model.NamedParameters()[2].Name} holds numbers that are not finite",
            Assert.Throws<WeightFileException>(() => Checkpoint.Load(path, device: device)).Message);
    }
}
