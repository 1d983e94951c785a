using System.Runtime.InteropServices;

namespace CsUnet.Tensors;

/// <summary>
/// A scope in which this thread allocates tensors but computes nothing, to learn how much memory some work needs: large tensors share one
/// piece of memory, loops over <see cref="Workers"/> and kernel launches do nothing, and copies are left out. The contents of tensors are
/// undefined, and none may be used after the scope.
/// </summary>
/// <remarks>
/// Operators need not know about it: an operator that loops outside of <see cref="Workers"/> computes on undefined numbers.
/// </remarks>
public sealed unsafe class DryRun : IDisposable
{
    // Smaller blocks have memory of their own, since sums and counters of a few numbers are read by the code between two operators.
    private const long SmallBytes = 1 << 16;

    // No access ever uses it: copies and launches are left out.
    private const nint DeviceAddress = 1 << 20;

    [ThreadStatic] private static DryRun? t_current;

    private readonly DryRun? _previous = t_current;
    private readonly List<nint> _regions = [];
    private readonly Dictionary<int, long> _scratch = [];
    private long _regionBytes, _onHost, _onDevice;

    private DryRun()
    {
    }

    /// <summary>Whether this thread computes nothing at present.</summary>
    public static bool IsActive => t_current is not null;

    /// <summary>Bytes of the tensors so far on a kind of device that outlive steps, such as parameters and their gradients.</summary>
    public long PersistentBytes(DeviceKind kind) => kind == DeviceKind.Cpu ? _onHost : _onDevice;

    /// <summary>Begins the scope.</summary>
    public static DryRun Begin() => t_current = new DryRun();

    /// <summary>Bytes of the largest request for each of this thread's working buffers.</summary>
    public long ScratchBytes => _scratch.Values.Sum();

    /// <summary>Notes a request for a working buffer that threads keep.</summary>
    /// <param name="slot">The number of the buffer.</param>
    /// <param name="bytes">Its size.</param>
    public static void CountScratch(int slot, long bytes)
    {
        if (t_current is { } run)
            run._scratch[slot] = Math.Max(bytes, run._scratch.GetValueOrDefault(slot));
    }

    /// <summary>Counts a block that outlives steps.</summary>
    internal static void CountPersistent(long bytes, Device device)
    {
        if (t_current is not { } run)
            return;
        if (device.Kind == DeviceKind.Cpu)
            run._onHost += bytes;
        else
            run._onDevice += bytes;
    }

    /// <summary>The address that stands for a block; null outside of a scope, and for a block that gets memory of its own.</summary>
    /// <exception cref="OutOfMemoryException">The system cannot even reserve the block.</exception>
    internal static nint? AddressOf(long bytes, Device device)
    {
        if (t_current is not { } run || bytes <= SmallBytes)
            return null;
        return device.Kind == DeviceKind.Cuda ? DeviceAddress : run.Region(bytes);
    }

    // The system provides memory when it is touched first, and hardly anything touches this.
    private nint Region(long bytes)
    {
        if (bytes > _regionBytes)
        {
            _regions.Add((nint)NativeMemory.AlignedAlloc(checked((nuint)bytes), Storage.Alignment));
            _regionBytes = bytes;
        }
        return _regions[^1];
    }

    /// <summary>Ends the scope.</summary>
    public void Dispose()
    {
        t_current = _previous;
        foreach (nint region in _regions)
            NativeMemory.AlignedFree((void*)region);
        _regions.Clear();
    }
}
