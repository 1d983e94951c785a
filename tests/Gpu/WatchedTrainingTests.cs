using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Gpu;

/// <summary>A few training steps in which the emulator checks every access, including those of graph launches and copies.</summary>
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
