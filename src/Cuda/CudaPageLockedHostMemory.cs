using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// Page-locked (pinned) host memory: the device copies from and to it directly, concurrently with kernels. Scarce; allocate it once.
/// Reading and writing it needs no context; copies need its context to be current on the calling thread.
/// </summary>
/// <typeparam name="T">The type of its elements.</typeparam>
public sealed unsafe class CudaPageLockedHostMemory<T> : IDisposable where T : unmanaged
{
    private readonly ResourceHandle _handle;

    /// <summary>Allocates page-locked memory in the current context.</summary>
    /// <param name="size">Number of elements, at least 1.</param>
    public CudaPageLockedHostMemory(SizeT size) : this(size, CUMemHostAllocFlags.None) { }

    /// <summary>Allocates page-locked memory in the current context.</summary>
    /// <param name="size">Number of elements, at least 1.</param>
    /// <param name="allocFlags">How it is used.</param>
    public CudaPageLockedHostMemory(SizeT size, CUMemHostAllocFlags allocFlags)
    {
        if ((ulong)size == 0)
            throw new ArgumentOutOfRangeException(nameof(size),
                $"CudaPageLockedHostMemory<{typeof(T).Name}>: size is 0 elements; expected at least 1.");
        ContextState context = ContextState.RequireCurrent($"CudaPageLockedHostMemory<{typeof(T).Name}>");
        Size = size;
        nint pointer = 0;
        Driver.Check(DriverNative.cuMemHostAlloc(&pointer, (nuint)(ulong)SizeInBytes, allocFlags),
            $"cuMemHostAlloc(bytes={SizeInBytes}, flags={allocFlags})");
        _handle = new ResourceHandle(context, ResourceKind.HostMemory, pointer, $"CudaPageLockedHostMemory<{typeof(T).Name}>",
            DriverNative.cuMemFreeHost, (long)SizeInBytes);
    }

    /// <summary>The address.</summary>
    public nint PinnedHostPointer => _handle.Value;

    /// <summary>Number of elements.</summary>
    public SizeT Size { get; }

    /// <summary>Bytes of all elements.</summary>
    public SizeT SizeInBytes => (ulong)Size * (ulong)sizeof(T);

    /// <summary>A single element.</summary>
    public T this[SizeT index]
    {
        get => ((T*)PinnedHostPointer)[Checked(index)];
        set => ((T*)PinnedHostPointer)[Checked(index)] = value;
    }

    /// <summary>The elements. The span must not be used after <see cref="Dispose"/>.</summary>
    /// <exception cref="OverflowException">There are more than <see cref="int.MaxValue"/>.</exception>
    public Span<T> AsSpan() => new((void*)PinnedHostPointer, Size);

    /// <summary>Copies to device memory: as many elements as the smaller of both has, and waits.</summary>
    public void SynchronCopyToDevice(CudaDeviceVariable<T> devicePtr) => devicePtr.CopyToDevice(Common(devicePtr), 0);

    /// <summary>Copies from device memory: as many elements as the smaller of both has, and waits.</summary>
    public void SynchronCopyToHost(CudaDeviceVariable<T> devicePtr) => devicePtr.CopyToHost(Common(devicePtr), 0);

    /// <summary>Enqueues a copy to device memory: as many elements as the smaller of both has.</summary>
    public void AsyncCopyToDevice(CudaDeviceVariable<T> devicePtr, CUstream stream) => devicePtr.AsyncCopyToDevice(this, stream);

    /// <summary>Enqueues a copy from device memory: as many elements as the smaller of both has.</summary>
    public void AsyncCopyFromDevice(CudaDeviceVariable<T> devicePtr, CUstream stream) => devicePtr.AsyncCopyToHost(this, stream);

    /// <summary>Frees the memory. All copies from and to it must be complete.</summary>
    public void Dispose() => _handle.Release("cuMemFreeHost");

    private Span<T> Common(CudaDeviceVariable<T> variable) => AsSpan()[..(int)Math.Min((long)Size, (long)variable.Size)];

    private long Checked(SizeT index) => index < Size ? index
        : throw new ArgumentOutOfRangeException(nameof(index),
            $"CudaPageLockedHostMemory<{typeof(T).Name}>: index {index} of {Size} elements.");
}
