using CsUnet.Autograd;
using CsUnet.Cuda;
using CsUnet.Data;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    private readonly TrainingFixture _workshop = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void A_run_reports_and_leaves_its_files()
    {
        RunFolder folder = _workshop.NewFolder("run");
        using Trainer trainer = TrainingFixture.NewTrainer(folder, TrainingFixture.Options, TrainingFixture.Validation);
        var recorder = new Recorder();
        TrainingResult result = trainer.Run(recorder, Token);

        Assert.Equal((TrainingOutcome.Completed, 12), (result.Outcome, result.Step));
        Assert.Equal(Enumerable.Range(1, 12), recorder.Steps.Select(step => step.Step));
        Assert.Equal([4, 8, 12], recorder.Validations.Select(validation => validation.Step));
        Assert.Equal([3, 4, 6, 8, 9, 12], recorder.Checkpoints);
        Assert.True(recorder.Validations[0].IsBest);
        Assert.Equal(recorder.Validations.Max(validation => validation.MeanIoU), result.BestMeanIoU);
        // Three images in batches of two: an epoch is two steps.
        Assert.Equal([1, 1, 2, 2], recorder.Steps.Take(4).Select(step => step.Epoch));
        Assert.All(recorder.Steps, step =>
            Assert.True(step.GradientNorm > 0 && step.MeanIoU is >= 0 and <= 1 && step.Loss > 0 && step.Images == 2));
        // After the last step only its validation remains; the previous validation gives its duration.
        Assert.Equal(recorder.Validations[^2].Elapsed.TotalSeconds, recorder.Steps[^1].Remaining.TotalSeconds, 1e-6);
        Assert.Equal(0.5e-3, recorder.Steps[0].LearningRate, 12);

        Assert.Equal(["best.safetensors", "config.yaml", "last-000012.optimizer.safetensors", "last.safetensors", "metrics.csv"],
            Directory.GetFiles(folder.Path).Select(Path.GetFileName).Where(name => name != "run.lock").Order(StringComparer.Ordinal));
        string[] lines = File.ReadAllLines(folder.MetricsPath);
        Assert.Equal("step,epoch,loss,lr,val_loss,val_mean_iou,images_per_second", lines[0]);
        Assert.Equal(13, lines.Length);
        IReadOnlyList<MetricsRow> rows = MetricsLog.Read(folder.MetricsPath);
        Assert.Equal(recorder.Steps.Select(step => (step.Step, step.Epoch, step.Loss, step.LearningRate)),
            rows.Select(row => (row.Step, row.Epoch, row.Loss, row.LearningRate)));
        Assert.Equal(recorder.Validations.Select(v => ((double?)v.Loss, (double?)v.MeanIoU)),
            rows.Where(row => row.Step % 4 == 0).Select(row => (row.ValidationLoss, row.ValidationMeanIoU)));
        Assert.All(rows.Where(row => row.Step % 4 != 0), row => Assert.Null(row.ValidationLoss));
        Assert.Equal(TrainingFixture.Options, folder.LoadOptions());
    }

    [Fact]
    public void Training_lowers_the_loss()
    {
        using Trainer trainer = TrainingFixture.NewTrainer(
            _workshop.NewFolder("run"), TrainingFixture.Options with { Steps = 60, LearningRate = 0.02, CheckpointEvery = 0,
                Augmentation = AugmentationOptions.None });
        var recorder = new Recorder();
        trainer.Run(recorder, Token);
        Assert.True(recorder.Steps.TakeLast(10).Average(step => step.Loss) < 0.9 * recorder.Steps.Take(5).Average(step => step.Loss));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(5, false)]
    [InlineData(8, false)]
    [InlineData(4, true)]
    [InlineData(12, true)]
    public void A_run_that_was_stopped_and_resumed_ends_in_the_same_bytes(int stop, bool duringValidation)
    {
        foreach ((string name, TrainingOptions options) in new[]
        {
            ("adamw", TrainingFixture.Options with { ClipNorm = 0.5 }),
            ("sgd", TrainingFixture.Options with { Optimizer = OptimizerKind.Sgd, Schedule = ScheduleKind.Plateau, PlateauPatience = 1,
                LearningRate = 0.01 }),
        })
        {
            RunFolder whole = _workshop.NewFolder($"{name}-whole"), parts = _workshop.NewFolder($"{name}-parts");
            using (Trainer trainer = TrainingFixture.NewTrainer(whole, options, TrainingFixture.Validation))
                trainer.Run(cancellation: Token);

            using (var source = new CancellationTokenSource())
            using (Trainer trainer = TrainingFixture.NewTrainer(parts, options, TrainingFixture.Validation))
            {
                var recorder = new Recorder
                {
                    AtStep = report => { if (report.Step == stop && !duringValidation) source.Cancel(); },
                    AtValidation = step => { if (step == stop && duringValidation) source.Cancel(); },
                };
                TrainingResult result = trainer.Run(recorder, source.Token);
                Assert.Equal((TrainingOutcome.Cancelled, stop), (result.Outcome, result.Step));
                Assert.True(parts.HasCheckpoint);
            }
            using (Trainer trainer = TrainingFixture.NewTrainer(parts, options, TrainingFixture.Validation))
            {
                trainer.Resume();
                Assert.Equal(stop, trainer.Step);
                Assert.Equal(TrainingOutcome.Completed, trainer.Run(cancellation: Token).Outcome);
            }
            AssertSameRun(whole, parts);
        }
    }

    [Fact]
    public void A_cs_unet_resumes_in_the_same_bytes_through_its_folder()
    {
        RunFolder whole = _workshop.NewFolder("whole"), parts = _workshop.NewFolder("parts");
        using (Trainer trainer = Trainer.Create(TrainingFixture.CsUnetOptions, whole, TrainingFixture.Train, TrainingFixture.Validation))
            trainer.Run(cancellation: Token);
        using (var source = new CancellationTokenSource())
        using (Trainer trainer = Trainer.Create(TrainingFixture.CsUnetOptions, parts, TrainingFixture.Train, TrainingFixture.Validation))
            trainer.Run(new Recorder { AtStep = report => { if (report.Step == 4) source.Cancel(); } }, source.Token);
        RunFolder opened = RunFolder.Open(parts.Path);
        using (Trainer trainer = Trainer.Resume(opened, opened.LoadOptions(), TrainingFixture.Train, TrainingFixture.Validation))
            Assert.Equal((TrainingOutcome.Completed, 6), trainer.Run(cancellation: Token) is var result
                ? (result.Outcome, result.Step)
                : default);
        AssertSameRun(whole, parts);
    }

    [Fact]
    public void A_finished_run_resumes_to_nothing()
    {
        RunFolder folder = _workshop.NewFolder("run");
        using (Trainer trainer = TrainingFixture.NewTrainer(folder, TrainingFixture.Options, TrainingFixture.Validation))
            trainer.Run(cancellation: Token);
        byte[] before = File.ReadAllBytes(folder.LastPath);
        using Trainer again = TrainingFixture.NewTrainer(folder, TrainingFixture.Options, TrainingFixture.Validation);
        again.Resume();
        var recorder = new Recorder();
        TrainingResult result = again.Run(recorder, Token);
        Assert.Equal((TrainingOutcome.Completed, 12), (result.Outcome, result.Step));
        Assert.Empty(recorder.Steps);
        Assert.Equal(before, File.ReadAllBytes(folder.LastPath));
        Assert.Equal(13, File.ReadAllLines(folder.MetricsPath).Length);
    }

    [Fact]
    public void Cancelling_before_the_first_step_leaves_a_run_that_starts()
    {
        RunFolder whole = _workshop.NewFolder("whole"), parts = _workshop.NewFolder("parts");
        using (Trainer trainer = TrainingFixture.NewTrainer(whole, TrainingFixture.Options, TrainingFixture.Validation))
            trainer.Run(cancellation: Token);
        using (Trainer trainer = TrainingFixture.NewTrainer(parts, TrainingFixture.Options, TrainingFixture.Validation))
            Assert.Equal((TrainingOutcome.Cancelled, 0), trainer.Run(cancellation: new CancellationToken(canceled: true)) is var result
                ? (result.Outcome, result.Step)
                : default);
        using (Trainer trainer = TrainingFixture.NewTrainer(parts, TrainingFixture.Options, TrainingFixture.Validation))
        {
            trainer.Resume();
            trainer.Run(cancellation: Token);
        }
        AssertSameRun(whole, parts);
    }

    [Fact]
    public void Memory_is_flat_from_the_second_step_on()
    {
        foreach (bool isCsUnet in new[] { false, true })
        {
            TrainingOptions options = (isCsUnet ? TrainingFixture.CsUnetOptions : TrainingFixture.Options) with { Steps = 8,
                ValidateEvery = 0, ClipNorm = 1 };
            RunFolder folder = _workshop.NewFolder($"run-{isCsUnet}");
            using Trainer trainer = isCsUnet
                ? Trainer.Create(options, folder, TrainingFixture.Train, null)
                : TrainingFixture.NewTrainer(folder, options);
            var reserved = new List<long>();
            trainer.Run(new Recorder { AtStep = _ => reserved.Add(trainer.ReservedBytes) }, Token);
            Assert.Equal(8, reserved.Count);
            Assert.True(reserved[0] > 0);
            Assert.All(reserved.Skip(1), bytes => Assert.Equal(reserved[1], bytes));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void A_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(int badStep)
    {
        RunFolder folder = _workshop.NewFolder("run");
        byte[] kept = [];
        using Trainer trainer = TrainingFixture.NewTrainer(
            folder, TrainingFixture.Options with { ValidateEvery = 0 },
            batches: new BadBatch(TrainingFixture.Options.CreateBatches(TrainingFixture.Train, Normalisation.ImageNet), badStep - 1));
        var recorder = new Recorder { AtStep = report => { if (report.Step == 7) kept = File.ReadAllBytes(folder.LastPath); } };
        RunException failure = Assert.Throws<RunException>(() => trainer.Run(recorder, Token));
        Assert.Contains($"step {badStep}: the loss is not a number", failure.Message);
        Assert.Equal(badStep - 1, recorder.Steps.Count);
        Assert.Equal(badStep - 1, MetricsLog.Read(folder.MetricsPath).Count);
        if (badStep == 1)
        {
            Assert.False(folder.HasCheckpoint);
            return;
        }
        Assert.Contains(folder.LastPath, failure.Message);
        Assert.Equal(kept, File.ReadAllBytes(folder.LastPath));
        using SafetensorsFile file = SafetensorsFile.Read(folder.LastPath);
        Assert.Equal(6, CheckpointHeader.Of(file).Step);
    }

    [Fact]
    public void A_validation_loss_that_is_not_finite_stops_the_run_too()
    {
        RunFolder folder = _workshop.NewFolder("run");
        using Trainer trainer = TrainingFixture.NewTrainer(folder, TrainingFixture.Options, TrainingFixture.Validation);
        var recorder = new Recorder
        {
            AtValidation = step =>
            {
                if (step == 8)
                    foreach (Parameter parameter in trainer.Model.Parameters())
                        parameter.Value.Fill(3e38);
            },
        };
        RunException failure = Assert.Throws<RunException>(() => trainer.Run(recorder, Token));
        Assert.Contains("step 8: the validation loss is ", failure.Message);
        Assert.Equal(6, recorder.Checkpoints[^1]);
        Assert.All(MetricsLog.Read(folder.MetricsPath), row =>
            Assert.True(row.ValidationLoss is null || double.IsFinite(row.ValidationLoss.Value)));
        using SafetensorsFile best = SafetensorsFile.Read(folder.BestPath);
        Assert.Equal(4, CheckpointHeader.Of(best).Step);
    }

    [Fact]
    public void Weights_that_are_not_finite_are_not_written()
    {
        RunFolder folder = _workshop.NewFolder("run");
        using Trainer trainer = TrainingFixture.NewTrainer(folder, TrainingFixture.Options);
        var recorder = new Recorder { AtStep = report => { if (report.Step == 6) trainer.Model.NamedBuffers()[1].Value[3] = double.NaN; } };
        RunException failure = Assert.Throws<RunException>(() => trainer.Run(recorder, Token));
        Assert.Contains("step 6: norm.running_", failure.Message);
        Assert.Equal([3], recorder.Checkpoints);
        using SafetensorsFile file = SafetensorsFile.Read(folder.LastPath);
        Assert.Equal(3, CheckpointHeader.Of(file).Step);
    }

    [Fact]
    public void An_optimiser_that_is_not_finite_is_not_written()
    {
        RunFolder folder = _workshop.NewFolder("run");
        using Trainer trainer = TrainingFixture.NewTrainer(folder, TrainingFixture.Options);
        var recorder = new Recorder { AtStep = report =>
            { if (report.Step == 6) trainer.Optimizer.State()[^1].Value[1] = double.PositiveInfinity; } };
        RunException failure = Assert.Throws<RunException>(() => trainer.Run(recorder, Token));
        Assert.Contains("step 6: exp_avg_sq.", failure.Message);
        Assert.Equal([3], recorder.Checkpoints);
    }

    [Fact]
    public void A_run_stops_early_when_validation_stands_still()
    {
        TrainingOptions options = TrainingFixture.Options with { Steps = 50, ValidateEvery = 2, Patience = 3, LearningRate = 1e-12 };
        RunFolder folder = _workshop.NewFolder("run");
        using (Trainer trainer = TrainingFixture.NewTrainer(folder, options, TrainingFixture.Validation, model: new LinearModel()))
        {
            TrainingResult result = trainer.Run(cancellation: Token);
            Assert.Equal((TrainingOutcome.StoppedEarly, 8, 2), (result.Outcome, result.Step, result.BestStep));
        }
        // When resumed, the trainer knows that it has stopped.
        using Trainer again = TrainingFixture.NewTrainer(folder, options, TrainingFixture.Validation, model: new LinearModel());
        again.Resume();
        Assert.Equal((TrainingOutcome.StoppedEarly, 8), again.Run(cancellation: Token) is var end ? (end.Outcome, end.Step) : default);
    }

    [Fact]
    public void Options_that_need_validation_are_refused_without_it()
    {
        Assert.Contains("patience", Assert.Throws<RunException>(
            () => TrainingFixture.NewTrainer(_workshop.NewFolder("a"), TrainingFixture.Options with { Patience = 1 })).Message);
        Assert.Contains("class_weights", Assert.Throws<OptionException>(
            () => TrainingFixture.NewTrainer(_workshop.NewFolder("b"), TrainingFixture.Options with { ClassWeights = [1, 2] })).Message);
    }

    [Fact]
    public void Epochs_count_the_training_images()
    {
        using Trainer trainer = TrainingFixture.NewTrainer(_workshop.NewFolder("run"), TrainingFixture.Options with { Epochs = 5 });
        Assert.Equal((2, 10), (trainer.StepsPerEpoch, trainer.Steps));
    }

    [Fact]
    public void One_folder_is_trained_in_by_one_trainer()
    {
        RunFolder folder = _workshop.NewFolder("run");
        using Trainer first = TrainingFixture.NewTrainer(folder, TrainingFixture.Options),
            second = TrainingFixture.NewTrainer(folder, TrainingFixture.Options);
        string? message = null;
        first.Run(new Recorder { AtStep = _ => message ??= Assert.Throws<RunException>(() => second.Run(cancellation: Token)).Message },
            Token);
        Assert.Contains("does another process train in it?", message);
    }

    // A second process that resumed a running training took the files being written for leftovers and deleted them.
    [Fact]
    public void A_run_in_training_is_neither_read_nor_changed_by_another()
    {
        RunFolder folder = _workshop.NewFolder("run");
        string config = "", message = "";
        TrainingOptions longer = TrainingFixture.CsUnetOptions with { Steps = 9 };
        using (Trainer first = Trainer.Create(TrainingFixture.CsUnetOptions, folder, TrainingFixture.Train, null))
        {
            Assert.Throws<RunException>(() => Trainer.Create(longer, folder, TrainingFixture.Train, null));
            first.Run(new Recorder
            {
                AtStep = report =>
                {
                    if (report.Step != 5)
                        return;
                    string unfinished = AtomicFile.TemporaryOf(folder.LastPath);
                    File.WriteAllText(unfinished, "half written");
                    message = Assert.Throws<RunException>(() => Trainer.Resume(folder, longer, TrainingFixture.Train, null)).Message;
                    Assert.True(File.Exists(unfinished));
                    config = File.ReadAllText(folder.ConfigPath);
                },
            }, Token);
        }
        Assert.Contains("does another process train in it?", message);
        Assert.Contains("steps: 6 ", config);
        Assert.Contains("steps: 6 ", File.ReadAllText(folder.ConfigPath));
        // A refused trainer leaves no lock behind.
        using Trainer next = Trainer.Resume(folder, longer, TrainingFixture.Train, null);
        Assert.Equal(6, next.Step);
    }

    [Fact]
    public void A_refused_resume_leaves_the_configuration()
    {
        RunFolder folder = _workshop.NewFolder("run");
        using (Trainer first = Trainer.Create(TrainingFixture.CsUnetOptions, folder, TrainingFixture.Train, null))
            first.Run(cancellation: Token);
        string config = File.ReadAllText(folder.ConfigPath);
        File.WriteAllBytes(folder.LastPath, File.ReadAllBytes(folder.LastPath)[..^1]);
        Assert.Throws<WeightFileException>(() =>
            Trainer.Resume(folder, TrainingFixture.CsUnetOptions with { Steps = 9 }, TrainingFixture.Train, null));
        Assert.Equal(config, File.ReadAllText(folder.ConfigPath));
    }

    /// <summary>Asserts that two runs are equal: weights, optimiser and metrics, except for the times.</summary>
    internal static void AssertSameRun(RunFolder expected, RunFolder actual)
    {
        string[] Names(RunFolder folder) =>
            [.. Directory.GetFiles(folder.Path).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        Assert.Equal(Names(expected), Names(actual));
        foreach (string name in Names(expected).Where(name => name.EndsWith(".safetensors", StringComparison.Ordinal)))
            Assert.True(File.ReadAllBytes(expected.File(name)).AsSpan().SequenceEqual(File.ReadAllBytes(actual.File(name))),
                $"{name} differs");
        Assert.Equal(MetricsLog.Read(expected.MetricsPath).Select(row => row with { ImagesPerSecond = 0 }),
            MetricsLog.Read(actual.MetricsPath).Select(row => row with { ImagesPerSecond = 0 }));
    }

    private sealed class BadBatch(IBatchSource source, int badStep) : IBatchSource
    {
        public int StepsPerEpoch => source.StepsPerEpoch;

        public Batch GetBatch(int step)
        {
            Batch batch = source.GetBatch(step);
            if (step == badStep)
                batch.Images[5] = double.NaN;
            return batch;
        }

        public void Dispose() => source.Dispose();
    }
}
