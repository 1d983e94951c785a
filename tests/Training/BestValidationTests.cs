using CsUnet.Data;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

/// <summary>On which classes the best validation is judged.</summary>
public sealed class BestValidationTests : IDisposable
{
    private readonly TrainingFixture _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void The_best_is_judged_on_the_classes_of_the_training_masks()
    {
        // The training images lose their third class.
        MicrographDataset train = MicrographDataset.FromSamples("train", ClassMap.NasaSuper, [.. Enumerable.Range(0, 3).Select(i =>
        {
            Sample sample = TrainingFixture.Train[i];
            return new Sample(sample.Name, sample.Image, [.. sample.Labels.Select(label => label == 2 ? (byte)0 : label)]);
        })]);
        TrainingOptions options = TrainingFixture.CsUnetOptions;
        var recorder = new Recorder();
        using Trainer trainer = Trainer.Create(options, _workshop.NewFolder("run"), train, TrainingFixture.Validation);
        TrainingResult result = trainer.Run(recorder, TestContext.Current.CancellationToken);
        Assert.Equal(2, recorder.Validations.Count);
        Assert.All(recorder.Validations, validation =>
        {
            ConfusionMatrix confusion = validation.Evaluation.Confusion;
            Assert.True(confusion.Occurs(2));
            Assert.Equal((confusion.IoU(0)!.Value + confusion.IoU(1)!.Value) / 2, validation.MeanIoU, 15);
            Assert.NotEqual(validation.Evaluation.MeanIoU, validation.MeanIoU);
            Assert.Equal("mean over 2 of 3 classes, not in the training masks: tertiary", validation.MeanNote);
            Assert.Empty(validation.Evaluation.MeanNote);
        });
        Assert.Equal(recorder.Validations.Max(validation => validation.MeanIoU), result.BestMeanIoU);
        Assert.Equal(recorder.Validations.Select(validation => (double?)validation.MeanIoU),
            MetricsLog.Read(trainer.Folder.MetricsPath).Select(row => row.ValidationMeanIoU).Where(value => value is not null));
    }

    [Fact]
    public void With_every_class_the_judged_mean_is_the_mean()
    {
        var recorder = new Recorder();
        using Trainer trainer = Trainer.Create(TrainingFixture.CsUnetOptions, _workshop.NewFolder("run"), TrainingFixture.Train,
            TrainingFixture.Validation);
        trainer.Run(recorder, TestContext.Current.CancellationToken);
        Assert.NotEmpty(recorder.Validations);
        Assert.All(recorder.Validations, validation =>
            Assert.Equal((validation.Evaluation.MeanIoU, ""), (validation.MeanIoU, validation.MeanNote)));
    }
}
