using System.Runtime.InteropServices;
using CsUnet.Cuda;

namespace CsUnet.Tensors;

/// <summary>An allocation on a device.</summary>
internal readonly unsafe struct MemoryBlock
{
    private readonly CudaDeviceVariable<byte>? _deviceMemory;

    private MemoryBlock(nint address, CudaDeviceVariable<byte>? deviceMemory) => (Address, _deviceMemory) = (address, deviceMemory);

    public nint Address { get; }

    public bool IsEmpty => Address == 0;

    public static MemoryBlock Allocate(long bytes, Device device)
    {
        if (device.Kind == DeviceKind.Cuda)
        {
            CudaDeviceVariable<byte> memory = CudaDevice.Get(device).Allocate(bytes);
            return new MemoryBlock((nint)memory.DevicePointer.Pointer, memory);
        }
        // Large blocks start on a 2 MiB boundary, so that the system can back them by huge pages.
        nuint alignment = bytes >= 1 << 21 ? 1u << 21 : Storage.Alignment;
        try
        {
            return new MemoryBlock((nint)NativeMemory.AlignedAlloc(checked((nuint)Math.Max(bytes, Storage.Alignment)), alignment), null);
        }
        catch (OutOfMemoryException)
        {
            throw new OutOfMemoryException(
                $"could not allocate {bytes / 1048576.0:F1} MiB for a tensor; use a smaller batch, size or model");
        }
    }

    public void Free(Device device)
    {
        if (_deviceMemory is null)
            NativeMemory.AlignedFree((void*)Address);
        else
            _deviceMemory.Dispose(CudaDevice.Get(device).Stream);
    }

    public void FreeFromFinaliser(Device device)
    {
        if (_deviceMemory is null)
            NativeMemory.AlignedFree((void*)Address);
        else
            CudaDevice.FreeLater(device, _deviceMemory);
    }
}
