using CsUnet.Cuda;

namespace CsUnet.Tests.Cli;

/// <summary><c>csunet devices</c> on a machine without a GPU.</summary>
public sealed class DevicesTests
{
    [Fact]
    public void The_processor_and_the_reason_for_no_gpu_are_listed()
    {
        ProgramRun run = ProgramRun.Of("devices");
        Assert.Equal(0, run.Code);
        Assert.Contains("cpu     ", run.Out);
        // One of two lines must be printed, depending on the machine; the other must not.
        DeviceList list = DeviceList.Read();
        AssertOneOf(list.DriverProblem is null, "driver  CUDA", "no GPU: ");
        AssertOneOf(list.NvrtcProblem is null, "NVRTC  ", "no kernels can be compiled: ");
        if (list.DriverProblem is { } problem)
            Assert.Contains($"no GPU: {problem}", run.Out);

        void AssertOneOf(bool first, string one, string other)
        {
            Assert.Contains(first ? one : other, run.Out);
            Assert.DoesNotContain(first ? other : one, run.Out);
        }
    }
}
