using System.Runtime.InteropServices;
using CsUnet.Cuda;

namespace CsUnet.Tensors;

/// <summary>
/// Keeps every block made on this thread alive until the scope ends. Kernels hold the addresses of temporaries, which the garbage
/// collector does not see: outside of a step, where a block is its own owner, it could be freed while worker threads still write to it.
/// </summary>
public readonly struct StorageScope : IDisposable
{
    [ThreadStatic] private static List<Storage>? t_blocks;
    private readonly List<Storage>? _previous;

    private StorageScope(List<Storage>? previous) => _previous = previous;

    /// <summary>Begins a scope; scopes nest.</summary>
    public static StorageScope Begin()
    {
        var scope = new StorageScope(t_blocks);
        t_blocks = [];
        return scope;
    }

    internal static void Add(Storage storage) => t_blocks?.Add(storage);

    /// <summary>Ends the scope.</summary>
    public void Dispose()
    {
        GC.KeepAlive(t_blocks);
        t_blocks = _previous;
    }
}

/// <summary>
/// A block of memory that one or more tensors view: native memory, 64-byte aligned, or memory of a CUDA device. A block is either its own
/// owner (freed after the garbage collector's finaliser) or rented from a <see cref="StepArena"/>, which takes it back when its step ends.
/// </summary>
public sealed unsafe class Storage
{
    /// <summary>Start of every block on the processor, in bytes: one cache line, and one 512-bit vector.</summary>
    public const int Alignment = 64;

    private readonly StepArena? _arena;
    private MemoryBlock _block;
    private int _references;

    internal Storage(long bytes, Device device)
    {
        Bytes = bytes;
        Device = device;
        _block = MemoryBlock.Allocate(bytes, device);
        GC.AddMemoryPressure(Math.Max(1, bytes));
        StorageScope.Add(this);
    }

    internal Storage(StepArena arena, MemoryBlock block, long bytes, Device device)
    {
        _arena = arena;
        _block = block;
        Bytes = bytes;
        Device = device;
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees a block that owns its memory.</summary>
    ~Storage()
    {
        if (_arena is null && !_block.IsEmpty)
        {
            _block.FreeFromFinaliser(Device);
            GC.RemoveMemoryPressure(Math.Max(1, Bytes));
        }
    }

    /// <summary>Size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>Where the memory is.</summary>
    public Device Device { get; }

    /// <summary>Whether the block belongs to a step, and goes back when the step ends.</summary>
    public bool IsTemporary => _arena is not null;

    /// <summary>Whether the block went back to its arena: no tensor on it can be read any more.</summary>
    public bool IsReleased => _block.IsEmpty;

    /// <summary>The address: in the processor's memory or the device's.</summary>
    internal nint Address => !_block.IsEmpty
        ? _block.Address
        : throw new InvalidOperationException(
            "this tensor's memory went back to the step arena, because its step ended or Backward was done with it; "
            + "Clone a result that must outlive the step outside of it, or call Keep on a value that is read after Backward");

    /// <summary>Counts one more user of a temporary block; see <see cref="ReleaseReference"/>.</summary>
    public void AddReference() => _references++;

    /// <summary>Takes back one <see cref="AddReference"/>; the last one hands a temporary block back to its arena early.</summary>
    public void ReleaseReference()
    {
        if (--_references == 0 && _arena is not null && !_block.IsEmpty)
            _arena.Return(this);
    }

    /// <summary>How many <see cref="AddReference"/> calls are outstanding.</summary>
    public int References => _references;

    internal MemoryBlock Detach()
    {
        MemoryBlock block = _block;
        _block = default;
        return block;
    }
}

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
