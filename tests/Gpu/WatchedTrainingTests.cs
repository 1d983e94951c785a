using CsUnet.Tensors;
using CsUnet.Training;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Gpu;

/// <summary>A training of a few steps in which the emulator watches every access, recorded launches and copies included.</summary>
public sealed class WatchedTrainingTests
{
    [Fact]
    public void A_training_reads_nothing_unwritten_and_races_nowhere()
    {
        var execution = new ExecutionOptions { Device = CudaDeviceFixture.Require(), StepsPerRead = 2 };
        CudaDeviceFixture.ClearFindings();
        using var workshop = new TrainingFixture();
        using Trainer trainer = TrainingTests.NewTrainer(workshop.NewFolder("watched"), execution,
            TrainingTests.Options with { Steps = 3, WarmUp = 0 });
        TrainingResult result = trainer.Run(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(2, trainer.ReplayedSteps);
        Assert.True(double.IsFinite(result.Loss));
        CudaDeviceFixture.AssertNoFindings();
    }
}
