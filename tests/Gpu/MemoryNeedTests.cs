using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Gpu;

/// <summary>The device memory that is demanded before a training is the memory that its steps take, in every precision.</summary>
public sealed class MemoryNeedTests : IClassFixture<PlainEmulator>
{
    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Tf32)]
    [InlineData(Precision.Bf16)]
    public void A_dry_run_of_a_step_reserves_what_steps_and_validations_reserve(Precision precision)
    {
        Device device = CudaDeviceFixture.Require();
        using var fixture = new TrainingFixture();
        TrainingOptions options = TrainingFixture.CsUnetOptions with { Steps = 2, Precision = precision };
        MemoryNeed before = MemoryNeed.OfTraining(options.ModelOptions(3), options, device);
        using Trainer trainer = Trainer.Create(options, fixture.NewFolder("run"), TrainingFixture.Train, TrainingFixture.Validation,
            new ExecutionOptions { Device = device });
        trainer.Run(cancellation: TestContext.Current.CancellationToken);
        MemoryNeed after = MemoryNeed.OfTraining(trainer.Model.Options, options, device);
        double real = trainer.ReservedBytes + 16.0 * trainer.Model.ParameterCount;
        Assert.InRange(before.Steps / real, 0.97, 1.15);
        Assert.Equal(before.Steps, after.Steps);
        Assert.True(before.Device >= before.Steps);
    }
}
