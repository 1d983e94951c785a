using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// Lists the kernel launches of this thread's operators until it is disposed, with the least memory traffic of each. Replays of a recorded
/// graph are not listed.
/// </summary>
public sealed class LaunchTrace : IDisposable
{
    [ThreadStatic] private static LaunchTrace? t_current;
    private readonly LaunchTrace? _previous;
    private readonly List<Entry> _entries = [];

    /// <summary>Starts listing on this thread until disposed.</summary>
    public LaunchTrace()
    {
        _previous = t_current;
        t_current = this;
    }

    /// <summary>One launch.</summary>
    /// <param name="File">The source, without folder and extension.</param>
    /// <param name="Kernel">The name of its EXPORT_KERNEL line.</param>
    /// <param name="Grid">Blocks.</param>
    /// <param name="Block">Threads of a block.</param>
    /// <param name="DynamicShared">Bytes of dynamic shared memory of a block.</param>
    /// <param name="TensorBytes">Bytes of all its tensors: the traffic on the memory bus if each is read or written once.</param>
    public sealed record Entry(string File, string Kernel, dim3 Grid, dim3 Block, int DynamicShared, long TensorBytes)
    {
        /// <summary>Number of blocks.</summary>
        public long Blocks => (long)Grid.x * Grid.y * Grid.z;

        /// <summary>Threads of a block.</summary>
        public int Threads => (int)(Block.x * Block.y * Block.z);
    }

    /// <summary>The trace that lists this thread's launches, or null.</summary>
    public static LaunchTrace? Current => t_current;

    /// <summary>The launches so far, in order.</summary>
    public IReadOnlyList<Entry> Entries => _entries;

    internal void Add(Entry entry) => _entries.Add(entry);

    /// <summary>Stops listing.</summary>
    public void Dispose() => t_current = _previous;
}
