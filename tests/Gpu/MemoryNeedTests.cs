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
        // The inputs, and the tables of one launch over all parameters, which matter in a network this small.
        const double tables = 200_000;
        Assert.InRange(before.Steps, 0.97 * real, 1.03 * real + tables);
        // Counters that every run shares are made once.
        Assert.InRange(before.Steps - after.Steps, 0, 100);
        Assert.True(before.Device >= before.Steps);
    }
}
