using CsUnet.Cuda;
using CsUnet.Tensors;

// Tests share one device, one stream, and settings of the device (tf32, the emulator's findings) that a test sets and restores.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace CsUnet.Tests.Gpu;

/// <summary>
/// The CUDA device of this test program: a GPU if there is one, otherwise the emulator. A process has one driver, so these tests are a
/// separate process.
/// </summary>
public static class CudaDeviceFixture
{
    private static readonly Lazy<(string? Missing, bool Emulated)> s_state = new(Find);

    /// <summary>Whether the device is the emulator.</summary>
    public static bool IsEmulated => s_state.Value.Emulated;

    /// <summary>The device. Without a GPU and without g++ the calling test is skipped with that reason.</summary>
    public static Device Require()
    {
        Assert.SkipWhen(s_state.Value.Missing is not null, $"no CUDA device: {s_state.Value.Missing}");
        return Device.Cuda;
    }

    /// <summary>Clears the emulator's findings.</summary>
    public static void ClearFindings()
    {
        if (IsEmulated)
            CudaEmulator.ClearReport();
    }

    /// <summary>Fails if the emulator has found anything since <see cref="ClearFindings"/>.</summary>
    public static void AssertNoFindings()
    {
        if (IsEmulated)
            Assert.True(CudaEmulator.FindingCount == 0, CudaEmulator.GetReport());
    }

    /// <summary>The bytes of a tensor of any type on any device.</summary>
    public static unsafe byte[] Bits(Tensor tensor)
    {
        Tensor host = tensor.To(Device.Cpu);
        byte[] bytes = new ReadOnlySpan<byte>(host.RawPointer, checked((int)host.Bytes)).ToArray();
        GC.KeepAlive(host);
        return bytes;
    }

    private static (string?, bool) Find()
    {
        // The emulator must replace the driver before any part of it is loaded. Therefore this looks for a GPU first, using only its
        // library.
        string? wanted = Environment.GetEnvironmentVariable("CSUNET_TEST_DEVICE");
        if (wanted is not (null or "" or "cuda" or "emulated"))
            throw new InvalidOperationException($"CSUNET_TEST_DEVICE={wanted}: expected cuda (a GPU must be there), emulated, or nothing");
        if (wanted == "cuda" && DeviceList.Read().DriverProblem is { } problem)
            throw new InvalidOperationException($"CSUNET_TEST_DEVICE=cuda, but no GPU can be used: {problem}");
        bool emulate = wanted == "emulated" || !CudaLibraries.TryLoad(CudaLibrary.Driver, out _);
        if (!emulate)
            return CudaContext.GetDeviceCount() > 0 ? (null, false) : ("the driver finds no GPU", false);
        try
        {
            CudaLibraries.UseEmulator(EmulatorBuild.Library);
        }
        catch (CudaException failure) when (failure.Message.Contains("g++' was not found", StringComparison.Ordinal))
        {
            return (failure.Message, true);
        }
        // Every memory access is checked: a race, an uninitialised read or an out-of-bounds access fails the test that caused it.
        CudaEmulator.SetMode(CudaEmulatorMode.Hook);
        return (null, true);
    }
}
