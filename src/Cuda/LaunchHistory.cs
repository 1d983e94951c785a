using System.Text;
using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Cuda;

/// <summary>
/// The last kernels launched in a context. When a later call reports a fault, they are the suspects: the driver reports that a
/// kernel failed, but not which one. Recording a launch is one interlocked addition and allocates nothing.
/// </summary>
internal sealed class LaunchHistory
{
    private const int Capacity = 64; // power of two
    private const int Shown = 8;

    private readonly Entry[] _entries = new Entry[Capacity];
    private long _next;
    private long _completed;

    private struct Entry
    {
        public string Kernel;
        public dim3 Grid;
        public dim3 Block;
    }

    /// <summary>Records a launch just before it happens.</summary>
    internal void Add(string kernel, dim3 grid, dim3 block)
    {
        long index = Interlocked.Increment(ref _next) - 1;
        ref Entry entry = ref _entries[index & (Capacity - 1)];
        entry.Kernel = kernel;
        entry.Grid = grid;
        entry.Block = block;
    }

    /// <summary>Number of launches so far. All launches before a synchronisation of the context have completed after it.</summary>
    internal long Position => Interlocked.Read(ref _next);

    /// <summary>Launches before <paramref name="position"/> have completed without a fault.</summary>
    internal void Complete(long position) => Interlocked.Exchange(ref _completed, Math.Max(position, Interlocked.Read(ref _completed)));

    /// <summary>The launches that may have caused a fault, newest first, as the end of an error message.</summary>
    internal string Report()
    {
        long end = Interlocked.Read(ref _next), first = Math.Max(Interlocked.Read(ref _completed), end - Capacity);
        if (end == first)
            return ". No kernel was launched since the last synchronisation";
        var text = new StringBuilder(". A kernel failed on the device; launched since the last synchronisation, newest first: ");
        for (long index = end - 1; index >= Math.Max(first, end - Shown); index--)
        {
            Entry entry = _entries[index & (Capacity - 1)];
            if (index < end - 1)
                text.Append(", ");
            text.Append(entry.Kernel).Append(" grid ").Append(entry.Grid).Append(" block ").Append(entry.Block);
        }
        if (end - first > Shown)
            text.Append($" and {end - first - Shown} before them");
        if (end - first > 1)
            text.Append(". Set CSUNET_CUDA_SYNC=1 to wait after every launch: then the first kernel named is the one that failed");
        return text.ToString();
    }
}
