using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// The primary context of a device: one per device and process, shared with every library (cuBLAS, cuDNN). It is reference-counted and
/// lives until the last <see cref="PrimaryContext"/> is disposed. Call <see cref="CudaContext.SetCurrent"/> on every thread that uses it.
/// </summary>
public sealed unsafe class PrimaryContext : CudaContext
{
    /// <summary>Retains the primary context of device 0. It is not made current.</summary>
    public PrimaryContext() : this(0) { }

    /// <summary>Retains the primary context of a device. It is not made current.</summary>
    /// <param name="deviceId">The number of the device, from 0.</param>
    /// <exception cref="CudaException">There is no driver or no such device.</exception>
    public PrimaryContext(int deviceId) : this(deviceId, GetCUdevice(deviceId)) { }

    private PrimaryContext(int deviceId, CUdevice device) : base(deviceId, device, Retain(device, deviceId)) { }

    private static CUcontext Retain(CUdevice device, int deviceId)
    {
        CUcontext context = default;
        Driver.Check(DriverNative.cuDevicePrimaryCtxRetain(&context, device), $"cuDevicePrimaryCtxRetain(device={deviceId})");
        return context;
    }

    private protected override void ReleaseContext()
        => State.Release(state => DriverNative.cuDevicePrimaryCtxRelease(state.Device), $"cuDevicePrimaryCtxRelease(device={DeviceId})");
}
