using CsUnet.Cuda;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Tests.Gpu;

/// <summary>
/// Lets the emulator run kernels without checking their accesses, for the tests of one class. With checks, whole networks would take
/// minutes per step; other classes check their operators one by one.
/// </summary>
public sealed class PlainEmulator : IDisposable
{
    public PlainEmulator() => Set(CudaEmulatorMode.Plain);

    public void Dispose() => Set(CudaEmulatorMode.Hook);

    private static void Set(CudaEmulatorMode mode)
    {
        if (!CudaDeviceFixture.IsEmulated || !CudaEmulator.IsAvailable)
            return;
        KernelLibrary.Unload(Device.Cuda);
        CudaEmulator.SetMode(mode);
    }
}
