using Xunit;

namespace CsUnet.Tests.Cli;

/// <summary><c>csunet devices</c> where there is no GPU.</summary>
public sealed class DevicesTests
{
    [Fact]
    public void The_processor_and_the_reason_for_no_gpu_are_listed()
    {
        ProgramRun run = ProgramRun.Of("devices");
        Assert.Equal(0, run.Code);
        Assert.Contains("cpu     ", run.Out);
        Assert.Matches("driver  CUDA|no GPU: ", run.Out);
        Assert.Matches("NVRTC  |no kernels can be compiled: ", run.Out);
    }
}
