using CsUnet.Cuda;
using CsUnet.Kernels.Cuda;
using CsUnet.Lab;
using CsUnet.Models.Networks;
using CsUnet.Tensors;

namespace CsUnet.Tests.Gpu;

/// <summary>
/// The basis for projecting a whole network: counts of launches that run in part, and of launches that are not run again.
/// </summary>
public sealed class CountingTests
{
    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    public void Launches_that_are_alike_count_alike(Precision precision)
    {
        CudaDeviceFixture.Require();
        Assert.SkipUnless(CudaDeviceFixture.IsEmulated, "the emulator counts");
        (string each, int launches) = CountStep(precision, once: false);
        (string once, _) = CountStep(precision, once: true);
        Assert.Equal(launches, each.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length - 1);
        Assert.True(launches > 300, $"{launches} launches");
        Assert.Equal(each, once);
    }

    private static (string Counts, int Launches) CountStep(Precision precision, bool once)
    {
        CudaEmulator.SetSample(1);
        CudaEmulator.SetCountOnce(once);
        CudaEmulator.ClearProfile();
        try
        {
            using var trace = new LaunchTrace();
            StepBenchmark.RunOnce(SegmentationModels.Preset("cs-unet-mini", 64, 64, 3), batch: 2, Device.Cuda, precision);
            return (CudaEmulator.GetLaunchesCsv(), trace.Entries.Count);
        }
        finally
        {
            CudaEmulator.SetSample(0);
            CudaEmulator.SetCountOnce(false);
            CudaEmulator.ClearProfile();
            CudaEmulator.ClearReport();
        }
    }
}
