using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// A pool for stream-ordered allocation: allocating and freeing are stream operations and need no synchronisation. Members may be called
/// from any thread on which the context is current. Needs <see cref="CudaDeviceProperties.MemoryPoolsSupported"/>.
/// </summary>
public sealed unsafe class CudaMemoryPool : IDisposable
{
    private readonly ResourceHandle _handle;

    /// <summary>Creates a pool.</summary>
    /// <param name="props">Where its memory is; see <see cref="ForDevice"/>.</param>
    public CudaMemoryPool(CUmemPoolProps props)
    {
        ContextState context = ContextState.RequireCurrent("CudaMemoryPool");
        CUmemoryPool pool = default;
        Driver.Check(DriverNative.cuMemPoolCreate(&pool, &props), $"cuMemPoolCreate(type={props.allocType}, device={props.location.id})");
        _handle = new ResourceHandle(context, ResourceKind.MemoryPool, pool.Pointer, nameof(CudaMemoryPool), handle
            => DriverNative.cuMemPoolDestroy(new CUmemoryPool(handle)));
    }

    /// <summary>The default or the current pool of a device. The device owns it: disposing this object does not destroy it.</summary>
    /// <param name="device">The device.</param>
    /// <param name="isDefault">True for the default pool, which always exists; false for the current one.</param>
    public CudaMemoryPool(CUdevice device, bool isDefault)
    {
        ContextState context = ContextState.RequireCurrent("CudaMemoryPool");
        CUmemoryPool pool = default;
        if (isDefault)
            Driver.Check(DriverNative.cuDeviceGetDefaultMemPool(&pool, device), $"cuDeviceGetDefaultMemPool(device={device.Pointer})");
        else
            Driver.Check(DriverNative.cuDeviceGetMemPool(&pool, device), $"cuDeviceGetMemPool(device={device.Pointer})");
        _handle = new ResourceHandle(context, ResourceKind.MemoryPool, pool.Pointer, nameof(CudaMemoryPool), null);
    }

    /// <summary>The driver's handle.</summary>
    public CUmemoryPool MemoryPool => new(_handle.Value);

    /// <summary>Whether <see cref="Dispose"/> destroys the pool.</summary>
    public bool IsOwner => _handle.IsOwner;

    /// <summary>Creates a pool in the memory of a context's device.</summary>
    public static CudaMemoryPool ForDevice(CudaContext context) => new(new CUmemPoolProps
    {
        allocType = CUmemAllocationType.Pinned,
        location = new CUmemLocation { type = CUmemLocationType.Device, id = context.Device.Pointer },
    });

    /// <summary>Makes this the current pool, from which <see cref="CudaDeviceVariable{T}(SizeT, CudaStream)"/> allocates.</summary>
    public void SetCurrent(CudaContext context)
        => Driver.Check(DriverNative.cuDeviceSetMemPool(context.Device, new CUmemoryPool(_handle.Enter("CudaMemoryPool.SetCurrent"))),
            $"cuDeviceSetMemPool(device={context.DeviceId}, pool=0x{_handle.Raw:x})");

    /// <summary>Stream-ordered allocation from the pool.</summary>
    /// <typeparam name="T">The type of the elements.</typeparam>
    /// <param name="bytesize">Bytes, a multiple of the element's size.</param>
    /// <param name="hStream">Work on this stream after the call may use the memory.</param>
    /// <returns>The memory. Free it with <see cref="CudaDeviceVariable{T}.Dispose(CudaStream)"/>.</returns>
    public CudaDeviceVariable<T> MemAllocFromPoolAsync<T>(SizeT bytesize, CudaStream hStream) where T : unmanaged
    {
        CUdeviceptr pointer = default;
        CUmemoryPool pool = new(_handle.Enter("CudaMemoryPool.MemAllocFromPoolAsync"));
        Driver.Check(DriverNative.cuMemAllocFromPoolAsync(&pointer, (nuint)(ulong)bytesize, pool, hStream.Stream),
            $"cuMemAllocFromPoolAsync(bytes={bytesize}, pool=0x{pool.Pointer:x}, stream=0x{hStream.Stream.Pointer:x})");
        return new CudaDeviceVariable<T>(_handle.Context, pointer, true, bytesize);
    }

    /// <summary>Returns unused memory to the device.</summary>
    /// <param name="minBytesToKeep">Minimum number of bytes that the pool keeps.</param>
    public void TrimTo(SizeT minBytesToKeep)
        => Driver.Check(DriverNative.cuMemPoolTrimTo(new CUmemoryPool(_handle.Enter("CudaMemoryPool.TrimTo")),
            (nuint)(ulong)minBytesToKeep),
            $"cuMemPoolTrimTo(pool=0x{_handle.Raw:x}, bytesToKeep={minBytesToKeep})");

    /// <summary>Changes a switch (0 or 1).</summary>
    public void SetAttribute(CUmemPool_attribute attr, int value) => Set(attr, &value, value);

    /// <summary>Changes a size, or resets a high-water mark (0).</summary>
    public void SetAttribute(CUmemPool_attribute attr, ulong value) => Set(attr, &value, (long)value);

    /// <summary>Reads a switch.</summary>
    public void GetAttribute(CUmemPool_attribute attr, ref int value)
    {
        fixed (int* pointer = &value)
            Get(attr, pointer);
    }

    /// <summary>Reads a size in bytes.</summary>
    public void GetAttribute(CUmemPool_attribute attr, ref ulong value)
    {
        fixed (ulong* pointer = &value)
            Get(attr, pointer);
    }

    /// <summary>Destroys the pool if it is owned. Memory allocated from it stays valid until it is freed.</summary>
    public void Dispose() => _handle.Release("cuMemPoolDestroy");

    private void Set(CUmemPool_attribute attribute, void* pointer, long value)
        => Driver.Check(DriverNative.cuMemPoolSetAttribute(new CUmemoryPool(_handle.Enter("CudaMemoryPool.SetAttribute")), attribute,
            pointer),
            $"cuMemPoolSetAttribute(pool=0x{_handle.Raw:x}, {attribute}={value})");

    private void Get(CUmemPool_attribute attribute, void* pointer)
        => Driver.Check(DriverNative.cuMemPoolGetAttribute(new CUmemoryPool(_handle.Enter("CudaMemoryPool.GetAttribute")), attribute,
            pointer),
            $"cuMemPoolGetAttribute(pool=0x{_handle.Raw:x}, {attribute})");
}
