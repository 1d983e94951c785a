using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// An array of <typeparamref name="T"/> in device memory: allocated here, or a view of memory owned elsewhere.
/// </summary>
/// <typeparam name="T">The type of its elements, with the layout that kernels use.</typeparam>
/// <remarks>
/// Call members from any thread on which the context is current. Copies without a stream wait for all previous work of the default stream
/// and return when the data has arrived. They are not ordered against pending work of other streams: use
/// events. Indexing copies one element and is slow.
/// </remarks>
public sealed unsafe partial class CudaDeviceVariable<T> : IDisposable, IDevicePointer where T : unmanaged
{
    private readonly ResourceHandle _handle;

    /// <summary>Allocates device memory in the current context.</summary>
    /// <param name="size">Number of elements, at least 1.</param>
    /// <exception cref="CudaException">Out of memory; the message says how much is free.</exception>
    public CudaDeviceVariable(SizeT size)
    {
        ulong bytes = Bytes(size);
        ContextState context = ContextState.RequireCurrent($"CudaDeviceVariable<{typeof(T).Name}>");
        CUdeviceptr pointer = default;
        Driver.Check(DriverNative.cuMemAlloc(&pointer, (nuint)bytes), $"cuMemAlloc(bytes={bytes})");
        _handle = Own(context, ResourceKind.DeviceMemory, pointer, bytes);
        Size = size;
    }

    /// <summary>Stream-ordered allocation from the device's current pool.</summary>
    /// <param name="size">Number of elements, at least 1.</param>
    /// <param name="stream">Work on this stream after the call may use the memory.</param>
    public CudaDeviceVariable(SizeT size, CudaStream stream)
    {
        ulong bytes = Bytes(size);
        ContextState context = ContextState.RequireCurrent($"CudaDeviceVariable<{typeof(T).Name}>");
        CUdeviceptr pointer = default;
        Driver.Check(DriverNative.cuMemAllocAsync(&pointer, (nuint)bytes, stream.Stream),
            $"cuMemAllocAsync(bytes={bytes}, stream=0x{stream.Stream.Pointer:x})");
        _handle = Own(context, ResourceKind.PoolMemory, pointer, bytes);
        Size = size;
    }

    /// <summary>A view of a whole allocation. The driver reports its size.</summary>
    /// <param name="devPtr">The start of the allocation.</param>
    public CudaDeviceVariable(CUdeviceptr devPtr) : this(devPtr, AllocationSize(devPtr)) { }

    /// <summary>A view of memory owned elsewhere.</summary>
    /// <param name="devPtr">Its address.</param>
    /// <param name="size">Its size in bytes, a multiple of the element's size.</param>
    public CudaDeviceVariable(CUdeviceptr devPtr, SizeT size) : this(devPtr, false, size) { }

    /// <summary>Wraps existing memory and can take ownership of it.</summary>
    /// <param name="devPtr">Its address.</param>
    /// <param name="isOwner">Whether <see cref="Dispose()"/> frees it.</param>
    /// <param name="size">Its size in bytes, a multiple of the element's size.</param>
    public CudaDeviceVariable(CUdeviceptr devPtr, bool isOwner, SizeT size)
        : this(ContextState.RequireCurrent($"CudaDeviceVariable<{typeof(T).Name}>"), devPtr, isOwner, size)
    {
    }

    /// <summary>A variable of a module. The module owns it.</summary>
    /// <param name="module">The module.</param>
    /// <param name="name">The (lowered) name of the variable.</param>
    public CudaDeviceVariable(CUmodule module, string name)
    {
        ContextState context = ContextState.RequireCurrent($"CudaDeviceVariable<{typeof(T).Name}>");
        CUdeviceptr pointer = default;
        nuint bytes = 0;
        Driver.Check(DriverNative.cuModuleGetGlobal(&pointer, &bytes, module, name),
            $"cuModuleGetGlobal(module=0x{module.Pointer:x}, name={name})");
        _handle = View(context, pointer);
        Size = Elements(bytes, $"variable {name}");
    }

    internal CudaDeviceVariable(ContextState context, CUdeviceptr devPtr, bool isOwner, SizeT bytes)
    {
        Size = Elements(bytes, devPtr.ToString());
        _handle = isOwner ? Own(context, ResourceKind.PoolMemory, devPtr, bytes) : View(context, devPtr);
    }

    /// <summary>The address.</summary>
    public CUdeviceptr DevicePointer => new((nuint)_handle.Value);

    /// <summary>Number of elements.</summary>
    public SizeT Size { get; }

    /// <summary>Bytes of all elements.</summary>
    public SizeT SizeInBytes => (ulong)Size * (ulong)sizeof(T);

    /// <summary>Bytes of an element.</summary>
    public SizeT TypeSize => sizeof(T);

    /// <summary>Whether <see cref="Dispose()"/> frees the memory.</summary>
    public bool IsOwner => _handle.IsOwner;

    CUdeviceptr IDevicePointer.Pointer => DevicePointer;

    /// <summary>A single element, copied from or to the device.</summary>
    /// <param name="index">Its index.</param>
    public T this[SizeT index]
    {
        get
        {
            T value = default;
            Driver.Check(DriverNative.cuMemcpyDtoH(&value, At(index), (nuint)sizeof(T)),
                $"cuMemcpyDtoH(source={_handle.Raw:x}, index={index})");
            return value;
        }
        set => Driver.Check(DriverNative.cuMemcpyHtoD(At(index), &value, (nuint)sizeof(T)),
            $"cuMemcpyHtoD(destination={_handle.Raw:x}, index={index})");
    }

    /// <summary>A view of some of the elements. It does not keep the memory alive.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="count">Their number.</param>
    public CudaDeviceVariable<T> View(SizeT start, SizeT count)
    {
        if ((ulong)start + (ulong)count > (ulong)Size || (ulong)count == 0)
            throw new ArgumentOutOfRangeException(nameof(count),
                $"CudaDeviceVariable<{typeof(T).Name}>.View: elements {start} to {(ulong)start + (ulong)count} of {Size}.");
        return new CudaDeviceVariable<T>(_handle.Context, DevicePointer + (ulong)start * (ulong)sizeof(T), false,
            (ulong)count * (ulong)sizeof(T));
    }

    /// <summary>Frees the memory if it is owned. Waits for all device work that may still use it.</summary>
    public void Dispose() => _handle.Release("cuMemFree");

    /// <summary>Stream-ordered free: work enqueued earlier may still use the memory. Only for memory of a pool.</summary>
    /// <param name="stream">The stream.</param>
    public void Dispose(CudaStream stream)
    {
        if (_handle.IsReleased)
            return;
        if (!_handle.IsOwner || _handle.Kind != ResourceKind.PoolMemory)
        {
            throw new InvalidOperationException($"CudaDeviceVariable<{typeof(T).Name}>.Dispose(stream): the memory is " +
                $"{(_handle.IsOwner ? _handle.Kind : "a view")}, " +
                "only memory allocated on a stream or from a pool can be freed on a stream. Call Dispose().");
        }
        CUdeviceptr pointer = new((nuint)_handle.Enter("CudaDeviceVariable.Dispose"));
        CUResult result = DriverNative.cuMemFreeAsync(pointer, stream.Stream);
        _handle.Context.CheckRelease(result, $"cuMemFreeAsync(pointer={pointer}, stream=0x{stream.Stream.Pointer:x})");
        _handle.Forget();
    }

    /// <summary>Allocates device memory and copies an array to it. The caller disposes it.</summary>
    public static implicit operator CudaDeviceVariable<T>(T[] d)
    {
        var variable = new CudaDeviceVariable<T>(d.LongLength);
        variable.CopyToDevice(d);
        return variable;
    }

    /// <summary>Copies all elements to a new array.</summary>
    public static implicit operator T[](CudaDeviceVariable<T> d)
    {
        var array = new T[(long)d.Size];
        d.CopyToHost(array);
        return array;
    }

    /// <inheritdoc/>
    public override string ToString() => $"CudaDeviceVariable<{typeof(T).Name}>({Size} at 0x{_handle.Raw:x})";

    private CUdeviceptr Enter(string operation) => new((nuint)_handle.Enter(operation));

    private CUdeviceptr At(SizeT index)
    {
        if (index >= Size)
            throw new ArgumentOutOfRangeException(nameof(index),
                $"CudaDeviceVariable<{typeof(T).Name}>: index {index} of {Size} elements.");
        return Enter("CudaDeviceVariable[]") + (ulong)index * (ulong)sizeof(T);
    }

    private static ulong Bytes(SizeT size)
    {
        if ((ulong)size == 0)
            throw new ArgumentOutOfRangeException(nameof(size),
                $"CudaDeviceVariable<{typeof(T).Name}>: size is 0 elements; expected at least 1.");
        return checked((ulong)size * (ulong)sizeof(T));
    }

    private static SizeT Elements(SizeT bytes, string what)
    {
        if ((ulong)bytes % (ulong)sizeof(T) != 0)
            throw new CudaException($"CudaDeviceVariable<{typeof(T).Name}>: {what} has {bytes} bytes, expected a multiple of {sizeof(T)}.");
        return (ulong)bytes / (ulong)sizeof(T);
    }

    private static SizeT AllocationSize(CUdeviceptr pointer)
    {
        ContextState.RequireCurrent($"CudaDeviceVariable<{typeof(T).Name}>");
        CUdeviceptr start = default;
        nuint bytes = 0;
        Driver.Check(DriverNative.cuMemGetAddressRange(&start, &bytes, pointer), $"cuMemGetAddressRange(pointer={pointer})");
        return (ulong)bytes - (pointer.Pointer - start.Pointer);
    }

    private static ResourceHandle Own(ContextState context, ResourceKind kind, CUdeviceptr pointer, SizeT bytes)
        => new(context, kind, (nint)pointer.Pointer, $"CudaDeviceVariable<{typeof(T).Name}>",
            handle => DriverNative.cuMemFree(new CUdeviceptr((nuint)handle)), (long)bytes);

    private static ResourceHandle View(ContextState context, CUdeviceptr pointer)
        => new(context, ResourceKind.DeviceMemory, (nint)pointer.Pointer, $"CudaDeviceVariable<{typeof(T).Name}>", null);
}
