namespace CsUnet.Cuda;

/// <summary>A device's handle: its number.</summary>
/// <param name="Pointer">The number that the driver gave the device.</param>
public readonly record struct CUdevice(int Pointer);

/// <summary>A driver context: one process's memory, modules and streams on one device. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUcontext(nint Pointer);

/// <summary>A loaded module: the kernels and variables of one cubin or PTX image. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUmodule(nint Pointer);

/// <summary>A kernel of a loaded module. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUfunction(nint Pointer);

/// <summary>A point in a stream that can be waited for and timed. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUevent(nint Pointer);

/// <summary>A graph: work and its dependencies, not yet ready to run. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUgraph(nint Pointer);

/// <summary>An executable graph. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUgraphExec(nint Pointer);

/// <summary>A node of a graph. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUgraphNode(nint Pointer);

/// <summary>A pool that stream-ordered allocations come from. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUmemoryPool(nint Pointer);

/// <summary>A stream: work runs in the order it was enqueued. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is the default (legacy) stream, which waits for every other blocking stream.</param>
public readonly record struct CUstream(nint Pointer)
{
    /// <summary>The default stream of the current context.</summary>
    public static CUstream NullStream => default;
}

/// <summary>An address in device memory.</summary>
/// <param name="Pointer">The address; 0 is no memory.</param>
public readonly record struct CUdeviceptr(nuint Pointer)
{
    /// <summary>The address <paramref name="bytes"/> further on.</summary>
    public static CUdeviceptr operator +(CUdeviceptr pointer, SizeT bytes) => new(checked(pointer.Pointer + (nuint)(ulong)bytes));

    /// <summary>The address <paramref name="bytes"/> before.</summary>
    public static CUdeviceptr operator -(CUdeviceptr pointer, SizeT bytes) => new(checked(pointer.Pointer - (nuint)(ulong)bytes));

    /// <inheritdoc/>
    public override string ToString() => $"0x{(ulong)Pointer:x}";
}

/// <summary>Three counts: blocks of a grid, or threads of a block.</summary>
/// <param name="x">Along the first, fastest dimension.</param>
/// <param name="y">Along the second dimension.</param>
/// <param name="z">Along the third dimension.</param>
#pragma warning disable IDE1006 // CUDA's own spelling, as in ManagedCuda
public record struct dim3(uint x, uint y = 1, uint z = 1)
#pragma warning restore IDE1006
{
    /// <summary>From three signed counts.</summary>
    /// <exception cref="OverflowException">A count is negative.</exception>
    public dim3(int x, int y = 1, int z = 1) : this(checked((uint)x), checked((uint)y), checked((uint)z)) { }

    /// <summary>How many there are in all.</summary>
    public readonly ulong Size => (ulong)x * y * z;

    /// <summary>A one-dimensional count.</summary>
    public static implicit operator dim3(int value) => new(value);

    /// <summary>A one-dimensional count.</summary>
    public static implicit operator dim3(uint value) => new(value);

    /// <inheritdoc/>
    public override readonly string ToString() => $"({x}, {y}, {z})";
}
