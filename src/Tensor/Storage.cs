namespace CsUnet.Tensors;

/// <summary>
/// A block of memory that one or more tensors view: 64-byte aligned native memory, or memory of a CUDA device. A block either owns its
/// memory, which its finaliser frees, or is rented from a <see cref="StepArena"/>, which takes it back when its step ends.
/// </summary>
public sealed unsafe class Storage
{
    /// <summary>Alignment of every block on the CPU, in bytes: one cache line, and one 512-bit vector.</summary>
    public const int Alignment = 64;

    private readonly StepArena? _arena;
    private MemoryBlock _block;
    private int _references;

    internal Storage(long bytes, Device device)
    {
        Bytes = bytes;
        Device = device;
        _block = MemoryBlock.Allocate(bytes, device);
        CudaDevice = _block.Owner;
        DryRun.CountPersistent(bytes, device);
        if (!_block.IsShared)
            GC.AddMemoryPressure(Math.Max(1, bytes));
        StorageScope.Add(this);
    }

    internal Storage(StepArena arena, MemoryBlock block, long bytes, Device device)
    {
        _arena = arena;
        _block = block;
        Bytes = bytes;
        Device = device;
        CudaDevice = block.Owner;
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees a block that owns its memory.</summary>
    ~Storage()
    {
        if (_arena is null && !_block.IsEmpty)
        {
            _block.FreeFromFinaliser();
            if (!_block.IsShared)
                GC.RemoveMemoryPressure(Math.Max(1, Bytes));
        }
    }

    /// <summary>Size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>Where the memory is.</summary>
    public Device Device { get; }

    /// <summary>The CUDA device that owns the memory; null for the CPU's memory.</summary>
    internal CudaDevice? CudaDevice { get; }

    /// <summary>Whether the block belongs to a step, which takes it back when it ends.</summary>
    public bool IsTemporary => _arena is not null;

    /// <summary>Whether the block has no memory of its own, because it was made in a <see cref="DryRun"/>.</summary>
    internal bool IsShared => _block.IsShared;

    /// <summary>Whether the block went back to its arena. No tensor on it can be read any more.</summary>
    public bool IsReleased => _block.IsEmpty;

    /// <summary>The address, in the CPU's memory or the device's.</summary>
    internal nint Address => !_block.IsEmpty
        ? _block.Address
        : throw new InvalidOperationException(
            "this tensor's memory went back to the step arena, because its step ended or Backward was done with it; "
            + "Clone a result that must outlive the step outside of it, or call Keep on a value that is read after Backward");

    /// <summary>Adds one reference to a temporary block; see <see cref="ReleaseReference"/>.</summary>
    public void AddReference() => _references++;

    /// <summary>
    /// Removes one reference that <see cref="AddReference"/> added. Without references, a temporary block returns to its arena before the
    /// step ends.
    /// </summary>
    public void ReleaseReference()
    {
        if (--_references == 0 && _arena is not null && !_block.IsEmpty)
            _arena.Return(this);
    }

    /// <summary>The number of <see cref="AddReference"/> calls not yet undone by <see cref="ReleaseReference"/>.</summary>
    public int References => _references;

    internal MemoryBlock Detach()
    {
        MemoryBlock block = _block;
        _block = default;
        return block;
    }
}
