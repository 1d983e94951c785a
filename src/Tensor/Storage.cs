using System.Runtime.InteropServices;

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
/// A block of native memory, 64-byte aligned, that one or more tensors view. A block is either its own owner (freed by the garbage
/// collector's finaliser) or rented from a <see cref="StepArena"/>, which takes it back when its step ends.
/// </summary>
public sealed unsafe class Storage
{
    /// <summary>Start of every block, in bytes: one cache line, and one 512-bit vector.</summary>
    public const int Alignment = 64;

    private readonly StepArena? _arena;
    private void* _pointer;
    private int _references;

    internal Storage(long bytes)
    {
        Bytes = bytes;
        _pointer = Allocate(bytes);
        GC.AddMemoryPressure(Math.Max(1, bytes));
        StorageScope.Add(this);
    }

    internal Storage(StepArena arena, void* pointer, long bytes)
    {
        _arena = arena;
        _pointer = pointer;
        Bytes = bytes;
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees a block that owns its memory.</summary>
    ~Storage()
    {
        if (_arena is null && _pointer != null)
        {
            NativeMemory.AlignedFree(_pointer);
            GC.RemoveMemoryPressure(Math.Max(1, Bytes));
        }
    }

    /// <summary>Size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>Whether the block belongs to a step, and goes back when the step ends.</summary>
    public bool IsTemporary => _arena is not null;

    /// <summary>Whether the block went back to its arena: no tensor on it can be read any more.</summary>
    public bool IsReleased => _pointer == null;

    internal void* Pointer => _pointer != null
        ? _pointer
        : throw new InvalidOperationException(
            "this tensor's memory went back to the step arena, because its step ended or Backward was done with it; "
            + "Clone a result that must outlive the step outside of it, or call Keep on a value that is read after Backward");

    /// <summary>Counts one more user of a temporary block; see <see cref="ReleaseReference"/>.</summary>
    public void AddReference() => _references++;

    /// <summary>Takes back one <see cref="AddReference"/>; the last one hands a temporary block back to its arena early.</summary>
    public void ReleaseReference()
    {
        if (--_references == 0 && _arena is not null && _pointer != null)
            _arena.Return(this);
    }

    /// <summary>How many <see cref="AddReference"/> calls are outstanding.</summary>
    public int References => _references;

    internal void* Detach()
    {
        void* pointer = _pointer;
        _pointer = null;
        return pointer;
    }

    internal static void* Allocate(long bytes)
    {
        // Large blocks start on a 2 MiB boundary, so that the system can back them by huge pages.
        nuint alignment = bytes >= 1 << 21 ? 1u << 21 : Alignment;
        try
        {
            return NativeMemory.AlignedAlloc(checked((nuint)Math.Max(bytes, Alignment)), alignment);
        }
        catch (OutOfMemoryException)
        {
            throw new OutOfMemoryException(
                $"could not allocate {bytes / 1048576.0:F1} MiB for a tensor; use a smaller batch, size or model");
        }
    }
}
