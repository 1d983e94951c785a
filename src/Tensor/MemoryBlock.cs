using System.Runtime.InteropServices;
using CsUnet.Cuda;

namespace CsUnet.Tensors;

/// <summary>An allocation on a device.</summary>
internal readonly unsafe struct MemoryBlock
{
    private readonly CudaDeviceVariable<byte>? _deviceMemory;

    private MemoryBlock(nint address, CudaDevice? owner = null, CudaDeviceVariable<byte>? deviceMemory = null, bool isShared = false) =>
        (Address, Owner, _deviceMemory, IsShared) = (address, owner, deviceMemory, isShared);

    /// <summary>The CUDA device that owns the memory; null for the CPU's memory.</summary>
    public CudaDevice? Owner { get; }

    public nint Address { get; }

    /// <summary>Whether the memory belongs to a <see cref="DryRun"/>, which shares it among all blocks.</summary>
    public bool IsShared { get; }

    public bool IsEmpty => Address == 0;

    public static MemoryBlock Allocate(long bytes, Device device)
    {
        if (DryRun.AddressOf(bytes, device) is { } address)
            return new MemoryBlock(address, device.Kind == DeviceKind.Cuda ? CudaDevice.Get(device) : null, isShared: true);
        if (device.Kind == DeviceKind.Cuda)
        {
            CudaDevice owner = CudaDevice.Get(device);
            CudaDeviceVariable<byte> memory = owner.Allocate(bytes);
            return new MemoryBlock((nint)memory.DevicePointer.Pointer, owner, memory);
        }
        // Large blocks are aligned to 2 MiB, so that the system can use huge pages.
        nuint alignment = bytes >= 1 << 21 ? 1u << 21 : Storage.Alignment;
        try
        {
            return new MemoryBlock((nint)NativeMemory.AlignedAlloc(checked((nuint)Math.Max(bytes, Storage.Alignment)), alignment));
        }
        catch (OutOfMemoryException)
        {
            throw new OutOfMemoryException(
                $"could not allocate {bytes / 1048576.0:F1} MiB for a tensor; use a smaller batch, size or model");
        }
    }

    public void Free()
    {
        if (IsShared)
            return;
        if (_deviceMemory is null)
            NativeMemory.AlignedFree((void*)Address);
        else
            Owner!.Free(_deviceMemory);
    }

    public void FreeFromFinaliser()
    {
        if (IsShared)
            return;
        if (_deviceMemory is null)
            NativeMemory.AlignedFree((void*)Address);
        else
            Owner!.FreeLater(_deviceMemory);
    }
}
