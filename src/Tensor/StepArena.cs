namespace CsUnet.Tensors;

/// <summary>
/// The memory of one training or inference step. Tensors created on a thread between <see cref="BeginStep"/> and the end of the returned
/// scope are temporaries: they need no Dispose, and the arena frees all of them when the scope ends. It keeps their blocks, by size, for
/// the next step. Since every step asks for the same sizes, a run's memory use is constant from its second step on.
/// </summary>
/// <remarks>Only one thread may use an arena at a time. Block sizes are rounded up in steps of an eighth of a power of two; a free block is
/// reused for any request that rounds up to its size.</remarks>
public sealed class StepArena : IDisposable
{
    [ThreadStatic] private static StepArena? t_current;

    private readonly Dictionary<(Device Device, long Bytes), Stack<MemoryBlock>> _free = [];
    private readonly List<Storage> _rented = [];
    private bool _disposed;

    /// <summary>The arena that supplies new tensors on this thread; null outside of a step.</summary>
    public static StepArena? Current => t_current;

    /// <summary>Bytes that the arena has allocated, used or free, on all devices together.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>Bytes in use now.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>The largest <see cref="UsedBytes"/> so far.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Makes this arena the source of new tensors on this thread until the returned scope is disposed. Scopes nest.</summary>
    public StepScope BeginStep()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var scope = new StepScope(this, t_current, _rented.Count);
        t_current = this;
        return scope;
    }

    /// <summary>Suspends the arena on this thread: until the returned scope is disposed, new tensors own their memory.</summary>
    public static PersistentScope Suspend()
    {
        var scope = new PersistentScope(t_current);
        t_current = null;
        return scope;
    }

    internal Storage Rent(long bytes, Device device)
    {
        long size = SizeClass(bytes);
        if (!_free.TryGetValue((device, size), out Stack<MemoryBlock>? blocks) || !blocks.TryPop(out MemoryBlock block))
        {
            block = MemoryBlock.Allocate(size, device);
            ReservedBytes += size;
        }
        UsedBytes += size;
        PeakBytes = Math.Max(PeakBytes, UsedBytes);
        var storage = new Storage(this, block, size, device);
        _rented.Add(storage);
        return storage;
    }

    internal void Return(Storage storage)
    {
        if (!_free.TryGetValue((storage.Device, storage.Bytes), out Stack<MemoryBlock>? blocks))
            _free.Add((storage.Device, storage.Bytes), blocks = []);
        blocks.Push(storage.Detach());
        UsedBytes -= storage.Bytes;
    }

    private void End(StepArena? previous, int mark)
    {
        for (int i = _rented.Count - 1; i >= mark; i--)
            if (!_rented[i].IsReleased)
                Return(_rented[i]);
        _rented.RemoveRange(mark, _rented.Count - mark);
        t_current = previous;
    }

    private static long SizeClass(long bytes)
    {
        bytes = Math.Max(bytes, 256);
        long granule = Math.Max(Storage.Alignment, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)bytes) >> 4);
        return (bytes + granule - 1) / granule * granule;
    }

    /// <summary>Frees the memory of an arena that was never disposed, once the arena and all of its tensors are unreachable.</summary>
    ~StepArena()
    {
        foreach (Storage storage in _rented)
            if (!storage.IsReleased)
                storage.Detach().FreeFromFinaliser();
        foreach (Stack<MemoryBlock> blocks in _free.Values)
            foreach (MemoryBlock block in blocks)
                block.FreeFromFinaliser();
    }

    /// <summary>Frees the memory. Tensors that still use it can no longer be read.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (_disposed)
            return;
        _disposed = true;
        foreach (Storage storage in _rented)
            if (!storage.IsReleased)
                Return(storage);
        _rented.Clear();
        foreach (Stack<MemoryBlock> blocks in _free.Values)
            foreach (MemoryBlock block in blocks)
                block.Free();
        _free.Clear();
        ReservedBytes = UsedBytes = 0;
    }

    /// <summary>The scope of a step; its end frees all temporaries.</summary>
    public readonly struct StepScope : IDisposable
    {
        private readonly StepArena _arena;
        private readonly StepArena? _previous;
        private readonly int _mark;

        internal StepScope(StepArena arena, StepArena? previous, int mark) => (_arena, _previous, _mark) = (arena, previous, mark);

        /// <summary>Ends the step.</summary>
        public void Dispose() => _arena.End(_previous, _mark);
    }

    /// <summary>The scope of a <see cref="Suspend"/>.</summary>
    public readonly struct PersistentScope : IDisposable
    {
        private readonly StepArena? _previous;

        internal PersistentScope(StepArena? previous) => _previous = previous;

        /// <summary>Makes the suspended arena current again.</summary>
        public void Dispose() => t_current = _previous;
    }
}
