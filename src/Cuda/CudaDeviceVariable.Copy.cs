using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

public sealed unsafe partial class CudaDeviceVariable<T>
{
    /// <summary>Copies from an array on the host: as many elements as the smaller of both has.</summary>
    public void CopyToDevice(T[] source) => CopyToDevice(source.AsSpan(0, (int)Math.Min(source.LongLength, (long)Size)), 0);

    /// <summary>Copies part of an array on the host.</summary>
    /// <param name="source">The array.</param>
    /// <param name="offsetSrc">Offset into the array, in bytes.</param>
    /// <param name="offsetDest">Offset into the device memory, in bytes.</param>
    /// <param name="aSizeInBytes">Bytes to copy.</param>
    public void CopyToDevice(T[] source, SizeT offsetSrc, SizeT offsetDest, SizeT aSizeInBytes)
    {
        CheckRange("CopyToDevice", "source", offsetSrc, aSizeInBytes, (ulong)source.LongLength * (ulong)sizeof(T));
        CheckRange("CopyToDevice", "destination", offsetDest, aSizeInBytes, SizeInBytes);
        fixed (T* start = source)
            HostToDevice((byte*)start + (long)offsetSrc, offsetDest, aSizeInBytes);
    }

    /// <summary>Copies a single value to the first element.</summary>
    public void CopyToDevice(T source) => HostToDevice(&source, 0, sizeof(T));

    /// <summary>Copies from the host.</summary>
    /// <param name="source">The elements.</param>
    /// <param name="start">The first element on the device.</param>
    public void CopyToDevice(ReadOnlySpan<T> source, SizeT start)
    {
        SizeT bytes = (ulong)source.Length * (ulong)sizeof(T), offset = (ulong)start * (ulong)sizeof(T);
        CheckRange("CopyToDevice", "destination", offset, bytes, SizeInBytes);
        fixed (T* first = source)
            HostToDevice(first, offset, bytes);
    }

    /// <summary>Copies from other device memory: as many elements as the smaller of both has.</summary>
    public void CopyToDevice(CudaDeviceVariable<T> source)
        => CopyToDevice(source, 0, 0, Math.Min((ulong)source.SizeInBytes, (ulong)SizeInBytes));

    /// <summary>Copies part of other device memory.</summary>
    /// <param name="source">The other memory.</param>
    /// <param name="offsetSrc">Offset into it, in bytes.</param>
    /// <param name="offsetDest">Offset into this memory, in bytes.</param>
    /// <param name="aSizeInBytes">Bytes to copy.</param>
    public void CopyToDevice(CudaDeviceVariable<T> source, SizeT offsetSrc, SizeT offsetDest, SizeT aSizeInBytes)
    {
        CheckRange("CopyToDevice", "source", offsetSrc, aSizeInBytes, source.SizeInBytes);
        CheckRange("CopyToDevice", "destination", offsetDest, aSizeInBytes, SizeInBytes);
        CUdeviceptr destination = Enter("CudaDeviceVariable.CopyToDevice") + offsetDest, from = source.DevicePointer + offsetSrc;
        Driver.Check(DriverNative.cuMemcpyDtoD(destination, from, (nuint)(ulong)aSizeInBytes),
            $"cuMemcpyDtoD(destination={destination}, source={from}, bytes={aSizeInBytes})");
    }

    /// <summary>Copies to an array on the host: as many elements as the smaller of both has.</summary>
    public void CopyToHost(T[] aDest) => CopyToHost(aDest.AsSpan(0, (int)Math.Min(aDest.LongLength, (long)Size)), 0);

    /// <summary>Copies to part of an array on the host.</summary>
    /// <param name="aDest">The array.</param>
    /// <param name="offsetSrc">Offset into the device memory, in bytes.</param>
    /// <param name="offsetDest">Offset into the array, in bytes.</param>
    /// <param name="aSizeInBytes">Bytes to copy.</param>
    public void CopyToHost(T[] aDest, SizeT offsetSrc, SizeT offsetDest, SizeT aSizeInBytes)
    {
        CheckRange("CopyToHost", "source", offsetSrc, aSizeInBytes, SizeInBytes);
        CheckRange("CopyToHost", "destination", offsetDest, aSizeInBytes, (ulong)aDest.LongLength * (ulong)sizeof(T));
        fixed (T* start = aDest)
            DeviceToHost((byte*)start + (long)offsetDest, offsetSrc, aSizeInBytes);
    }

    /// <summary>Copies to the host.</summary>
    /// <param name="aDest">Where to.</param>
    /// <param name="start">The first element on the device.</param>
    public void CopyToHost(Span<T> aDest, SizeT start)
    {
        SizeT bytes = (ulong)aDest.Length * (ulong)sizeof(T), offset = (ulong)start * (ulong)sizeof(T);
        CheckRange("CopyToHost", "source", offset, bytes, SizeInBytes);
        fixed (T* first = aDest)
            DeviceToHost(first, offset, bytes);
    }

    /// <summary>Enqueues a copy from other device memory: as many elements as the smaller of both has.</summary>
    public void AsyncCopyToDevice(CudaDeviceVariable<T> source, CUstream stream)
    {
        ulong bytes = Math.Min((ulong)source.SizeInBytes, (ulong)SizeInBytes);
        CUdeviceptr destination = Enter("CudaDeviceVariable.AsyncCopyToDevice"), from = source.DevicePointer;
        Driver.Check(DriverNative.cuMemcpyDtoDAsync(destination, from, (nuint)bytes, stream),
            $"cuMemcpyDtoDAsync(destination={destination}, source={from}, bytes={bytes}, stream=0x{stream.Pointer:x})");
    }

    /// <summary>
    /// Enqueues a copy from page-locked host memory: as many elements as the smaller of both has. Do not change that memory until it is
    /// done. </summary>
    public void AsyncCopyToDevice(CudaPageLockedHostMemory<T> source, CUstream stream)
        => AsyncCopyToDevice(source.PinnedHostPointer, 0, 0, Math.Min((ulong)source.SizeInBytes, (ulong)SizeInBytes), stream);

    /// <summary>Enqueues a copy from the host. Pageable memory is copied before the call returns.</summary>
    /// <param name="source">The host memory.</param>
    /// <param name="offsetSrc">Offset into it, in bytes.</param>
    /// <param name="offsetDest">Offset into this memory, in bytes.</param>
    /// <param name="aSizeInBytes">Bytes to copy.</param>
    /// <param name="stream">The stream.</param>
    public void AsyncCopyToDevice(nint source, SizeT offsetSrc, SizeT offsetDest, SizeT aSizeInBytes, CUstream stream)
    {
        CheckRange("AsyncCopyToDevice", "destination", offsetDest, aSizeInBytes, SizeInBytes);
        CUdeviceptr destination = Enter("CudaDeviceVariable.AsyncCopyToDevice") + offsetDest;
        Driver.Check(DriverNative.cuMemcpyHtoDAsync(destination, (byte*)source + (long)offsetSrc, (nuint)(ulong)aSizeInBytes, stream),
            $"cuMemcpyHtoDAsync(destination={destination}, source=0x{source:x}+{offsetSrc}, bytes={aSizeInBytes}, " +
                $"stream=0x{stream.Pointer:x})");
    }

    /// <summary>Enqueues a copy to page-locked host memory: as many elements as the smaller of both has.</summary>
    public void AsyncCopyToHost(CudaPageLockedHostMemory<T> aDest, CUstream stream)
        => AsyncCopyToHost(aDest.PinnedHostPointer, 0, 0, Math.Min((ulong)aDest.SizeInBytes, (ulong)SizeInBytes), stream);

    /// <summary>Enqueues a copy to the host.</summary>
    /// <param name="aDest">The host memory.</param>
    /// <param name="offsetSrc">Offset into this memory, in bytes.</param>
    /// <param name="offsetDest">Offset into the host memory, in bytes.</param>
    /// <param name="aSizeInBytes">Bytes to copy.</param>
    /// <param name="stream">The stream.</param>
    public void AsyncCopyToHost(nint aDest, SizeT offsetSrc, SizeT offsetDest, SizeT aSizeInBytes, CUstream stream)
    {
        CheckRange("AsyncCopyToHost", "source", offsetSrc, aSizeInBytes, SizeInBytes);
        CUdeviceptr source = Enter("CudaDeviceVariable.AsyncCopyToHost") + offsetSrc;
        Driver.Check(DriverNative.cuMemcpyDtoHAsync((byte*)aDest + (long)offsetDest, source, (nuint)(ulong)aSizeInBytes, stream),
            $"cuMemcpyDtoHAsync(destination=0x{aDest:x}+{offsetDest}, source={source}, bytes={aSizeInBytes}, stream=0x{stream.Pointer:x})");
    }

    /// <summary>Sets every byte.</summary>
    public void Memset(byte aValue)
        => Driver.Check(DriverNative.cuMemsetD8(Enter("CudaDeviceVariable.Memset"), aValue, (nuint)(ulong)SizeInBytes),
            $"cuMemsetD8(destination=0x{_handle.Raw:x}, value={aValue}, count={SizeInBytes})");

    /// <summary>Sets every two bytes.</summary>
    public void Memset(ushort aValue)
        => Driver.Check(DriverNative.cuMemsetD16(Enter("CudaDeviceVariable.Memset"), aValue, Words(2)),
            $"cuMemsetD16(destination=0x{_handle.Raw:x}, value={aValue}, count={Words(2)})");

    /// <summary>Sets every four bytes.</summary>
    public void Memset(uint aValue)
        => Driver.Check(DriverNative.cuMemsetD32(Enter("CudaDeviceVariable.Memset"), aValue, Words(4)),
            $"cuMemsetD32(destination=0x{_handle.Raw:x}, value={aValue}, count={Words(4)})");

    /// <summary>Enqueues setting every byte.</summary>
    public void MemsetAsync(byte aValue, CUstream stream)
        => Driver.Check(DriverNative.cuMemsetD8Async(Enter("CudaDeviceVariable.MemsetAsync"), aValue, (nuint)(ulong)SizeInBytes, stream),
            $"cuMemsetD8Async(destination=0x{_handle.Raw:x}, value={aValue}, count={SizeInBytes}, stream=0x{stream.Pointer:x})");

    /// <summary>Enqueues setting every two bytes.</summary>
    public void MemsetAsync(ushort aValue, CUstream stream)
        => Driver.Check(DriverNative.cuMemsetD16Async(Enter("CudaDeviceVariable.MemsetAsync"), aValue, Words(2), stream),
            $"cuMemsetD16Async(destination=0x{_handle.Raw:x}, value={aValue}, count={Words(2)}, stream=0x{stream.Pointer:x})");

    /// <summary>Enqueues setting every four bytes.</summary>
    public void MemsetAsync(uint aValue, CUstream stream)
        => Driver.Check(DriverNative.cuMemsetD32Async(Enter("CudaDeviceVariable.MemsetAsync"), aValue, Words(4), stream),
            $"cuMemsetD32Async(destination=0x{_handle.Raw:x}, value={aValue}, count={Words(4)}, stream=0x{stream.Pointer:x})");

    private void HostToDevice(void* source, SizeT offset, SizeT bytes)
    {
        if ((ulong)bytes == 0)
            return;
        CUdeviceptr destination = Enter("CudaDeviceVariable.CopyToDevice") + offset;
        Driver.Check(DriverNative.cuMemcpyHtoD(destination, source, (nuint)(ulong)bytes),
            $"cuMemcpyHtoD(destination={destination}, source=0x{(nint)source:x}, bytes={bytes})");
    }

    private void DeviceToHost(void* destination, SizeT offset, SizeT bytes)
    {
        if ((ulong)bytes == 0)
            return;
        CUdeviceptr source = Enter("CudaDeviceVariable.CopyToHost") + offset;
        Driver.Check(DriverNative.cuMemcpyDtoH(destination, source, (nuint)(ulong)bytes),
            $"cuMemcpyDtoH(destination=0x{(nint)destination:x}, source={source}, bytes={bytes})");
    }

    private nuint Words(uint bytes)
    {
        if ((ulong)SizeInBytes % bytes != 0)
            throw new ArgumentException($"CudaDeviceVariable<{typeof(T).Name}>.Memset: {SizeInBytes} bytes are not a multiple of the " +
                $"{bytes} bytes of the value.");
        return (nuint)((ulong)SizeInBytes / bytes);
    }

    private static void CheckRange(string method, string what, SizeT offset, SizeT bytes, SizeT available)
    {
        if ((ulong)offset > (ulong)available || (ulong)bytes > (ulong)available - (ulong)offset)
        {
            throw new ArgumentOutOfRangeException(what,
                $"CudaDeviceVariable<{typeof(T).Name}>.{method}: bytes {offset} to {(ulong)offset + (ulong)bytes} " +
                $"of the {what}, which has {available} bytes.");
        }
    }
}
