using System.Globalization;
using CsUnet.Cuda;
using CsUnet.Models.Networks;
using CsUnet.Tensors;
using CsUnet.Tests.Cli;
using CsUnet.Tests.Support;
using CsUnet.Training;
using CsUnet.Verification;

namespace CsUnet.Tests.Robustness;

/// <summary>The memory that is demanded before the work is the memory that the work takes.</summary>
[Collection(KernelSettings.Name)]
public sealed class MemoryNeedTests
{
    [Fact]
    public void A_dry_run_of_an_operator_reserves_what_the_operator_reserves()
    {
        foreach (OperatorCase item in OperatorCases.All)
        {
            using var real = new StepArena();
            using (real.BeginStep())
                item.RunWithGradients(DType.Float32);
            using var dry = new StepArena();
            using (DryRun.Begin())
            using (dry.BeginStep())
                item.RunWithGradients(DType.Float32);
            Assert.True(real.ReservedBytes == dry.ReservedBytes && real.PeakBytes == dry.PeakBytes,
                $"{item.Name}: {dry.ReservedBytes} bytes reserved in a dry run, {real.ReservedBytes} in a real one");
        }
    }

    [Theory]
    [InlineData("cs-unet-mini", 64, 96, 1)]
    [InlineData("cs-unet-mini", 32, 32, 3)]
    [InlineData("unet", 64, 32, 2)]
    public void A_dry_run_of_a_step_reserves_what_steps_and_validations_reserve(string model, int height, int width, int batch)
    {
        using var fixture = new TrainingFixture();
        TrainingOptions options = TrainingFixture.Options with
        {
            Model = model, Height = height, Width = width, Batch = batch, Steps = 2, EncoderWidth = 8, Depths = [], Heads = [],
            Encoder = model == "unet" ? "resnet18" : null,
        };
        using Trainer trainer = Trainer.Create(options, fixture.NewFolder("run"), TrainingFixture.Train, TrainingFixture.Validation);
        trainer.Run(cancellation: TestContext.Current.CancellationToken);
        double real = trainer.ReservedBytes + 16.0 * trainer.Model.ParameterCount;
        MemoryNeed need = MemoryNeed.OfTraining(trainer.Model.Options, options, Device.Cpu);
        // A validation image has fewer tiles than a batch may hold; buffers of batch norm are no parameters.
        Assert.InRange(need.Steps / real, 0.99, 1.1);
    }

    [Theory]
    [InlineData("cs-unet-mini", 128, 2)]
    [InlineData("cs-unet-mini", 128, 8)]
    [InlineData("cs-unet-mini", 256, 4)]
    [InlineData("cs-unet-lite", 128, 4)]
    [InlineData("cs-unet-tiny", 224, 2)]
    [InlineData("unet", 128, 4)]
    public void A_training_takes_the_memory_that_was_announced(string model, int size, int batch)
    {
        ChildProgram.Require();
        Assert.SkipUnless(TestFiles.RunsAll, "Skipped: takes a minute; './test --all' runs it");
        using var workspace = new Workspace();
        string[] args = ["train", "--model", model, "--size", $"{size}", "--batch", $"{batch}", "--steps", "2", "--warm-up", "0",
            "--device", "cpu", "--out", workspace["run"]];
        // Huge pages, which ./csunet and ./test ask for, make a process hold more than it uses.
        using System.Diagnostics.Process process = ChildProgram.Start(string.Join(' ', args), "unset GLIBC_TUNABLES; ");
        double peak = 0;
        while (process.StandardOutput.ReadLine() is not null)
        {
            process.Refresh();
            peak = process.HasExited ? peak : Math.Max(peak, process.PeakWorkingSet64);
        }
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        // The rest is the data set: 20 grey images.
        double data = 20.0 * 2 * Math.Max(256, size) * Math.Max(256, size);
        double need = MemoryNeed.OfTraining(SegmentationModels.Preset(model, size, size, 3), new() { Batch = batch }, Device.Cpu)
            .With(data).Host;
        Assert.True(need / peak is > 0.85 and < 1.15, $"announced {need / 1e6:F0} MB, took {peak / 1e6:F0} MB");
    }

    [Fact]
    public void Huge_pages_are_given_up_where_memory_is_scarce()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Skipped: huge pages are Linux'");
        static string State() =>
            File.ReadLines("/proc/self/status").First(line => line.StartsWith("THP_enabled:", StringComparison.Ordinal));
        try
        {
            HugePages.AvoidIfScarce(need: 100, available: 200);
            Assert.EndsWith("1", State());
            HugePages.AvoidIfScarce(need: 100, available: 120);
            Assert.EndsWith("0", State());
        }
        finally
        {
            HugePages.Use(true);
        }
        Assert.EndsWith("1", State());
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_the_batch_that_does()
    {
        ModelOptions mini = SegmentationModels.Preset("cs-unet-mini", 128, 128, 3);
        TrainingOptions options = new() { Batch = 100 };
        InvalidValueException failure = Assert.Throws<InvalidValueException>(
            () => MemoryNeed.RequireTraining(mini, options, Device.Cpu, available: 1500L << 20));
        Assert.Matches(
            @"^a training step of batch 100 needs about \d\.\d GiB of memory; .* has 1\.5 GiB; a batch of \d+ fits$", failure.Message);
        int fits = int.Parse(failure.Remedy!.Split(' ')[3], CultureInfo.InvariantCulture);
        MemoryNeed.RequireTraining(mini, options with { Batch = fits }, Device.Cpu, available: 1500L << 20);
        Assert.Throws<InvalidValueException>(
            () => MemoryNeed.RequireTraining(mini, options with { Batch = fits + 1 }, Device.Cpu, available: 1500L << 20));
    }

    [Fact]
    public void What_no_machine_holds_is_refused_before_memory_is_allocated()
    {
        ModelOptions mini = SegmentationModels.Preset("cs-unet-mini", 128, 128, 3);
        Assert.Throws<InvalidValueException>(() => MemoryNeed.RequireTraining(mini, new() { Batch = 65536 }, Device.Cpu));
        ModelOptions huge = SegmentationModels.Named("cs-unet-mini").With(
            128, 128, 3, new NetworkSettings { EmbedDim = 4096, Depths = [100, 100, 100, 100], Heads = [4, 4, 4, 4] });
        Assert.Contains("take a smaller model", Assert.Throws<InvalidValueException>(
            () => MemoryNeed.RequireTraining(huge, new() { Batch = 1 }, Device.Cpu)).Message);
    }
}
