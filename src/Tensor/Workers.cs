namespace CsUnet.Tensors;

/// <summary>
/// The engine's threads. <see cref="Run"/> splits a loop into numbered chunks; the calling thread and the workers claim them one by one. So
/// a core that is busy elsewhere costs only its share of the speed. The result of a chunk must depend only on its number, so that results
/// do not depend on the number of threads.
/// </summary>
public static class Workers
{
    // A worker spins this many pauses for the next region, then blocks: within a step regions follow each other within microseconds.
    private const int SpinPauses = 4000;

    private sealed class Region(Action<int> body, int chunks)
    {
        public readonly Action<int> Body = body;
        public readonly int Chunks = chunks;
        public int Next;
        public int Finished;
        public Exception? Failure;
    }

    private static readonly Lock s_lock = new();
    private static readonly SemaphoreSlim s_wake = new(0);
    private static Region? s_region;
    private static int s_epoch;
    private static int s_parked;
    private static int s_started;
    private static int s_count = Environment.ProcessorCount;
    [ThreadStatic] private static bool t_inside;

    /// <summary>
    /// The largest <see cref="Count"/>: four threads for each logical core, and at least eight. Waiting threads spin, so many more than the
    /// cores would only take time from one another.
    /// </summary>
    public static int Largest { get; } = Math.Max(8, 4 * Environment.ProcessorCount);

    /// <summary>
    /// The number of threads that work on a region, including the calling one. The default is the number of logical cores.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set below 1 or above <see cref="Largest"/>.</exception>
    public static int Count
    {
        get => s_count;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Largest);
            s_count = value;
        }
    }

    /// <summary>
    /// Calls <paramref name="body"/> once for every number from 0 to below <paramref name="chunks"/>, on all threads, and returns when all
    /// calls are done. A call from inside a region, or while another thread runs a region, runs on the calling thread alone.
    /// </summary>
    public static void Run(int chunks, Action<int> body)
    {
        if (DryRun.IsActive)
            return;
        if (chunks <= 1 || s_count == 1 || t_inside || !s_lock.TryEnter())
        {
            for (int i = 0; i < chunks; i++)
                body(i);
            return;
        }
        try
        {
            StartThreads();
            var region = new Region(body, chunks);
            Volatile.Write(ref s_region, region);
            Interlocked.Increment(ref s_epoch);
            int parked = Volatile.Read(ref s_parked);
            if (parked > 0)
                s_wake.Release(parked);
            Work(region);
            var spinner = new SpinWait();
            for (int pauses = 0; Volatile.Read(ref region.Finished) < chunks; pauses++)
            {
                if (pauses < SpinPauses)
                    Thread.SpinWait(8);
                else
                    spinner.SpinOnce();
            }
            Volatile.Write(ref s_region, null);
            if (region.Failure is { } failure)
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
        finally
        {
            s_lock.Exit();
        }
    }

    /// <summary>
    /// Splits <paramref name="count"/> items into chunks of <paramref name="grain"/> items and calls <paramref name="body"/> with the first
    /// and end index of each chunk.
    /// </summary>
    public static void Split(long count, long grain, Action<long, long> body)
    {
        if (count <= grain)
        {
            if (count > 0 && !DryRun.IsActive)
                body(0, count);
            return;
        }
        Run(checked((int)((count + grain - 1) / grain)), chunk => body(chunk * grain, Math.Min(count, (chunk + 1) * grain)));
    }

    private static void Work(Region region)
    {
        t_inside = true;
        try
        {
            for (int chunk; (chunk = Interlocked.Increment(ref region.Next) - 1) < region.Chunks;)
            {
                try
                {
                    region.Body(chunk);
                }
                catch (Exception failure)
                {
                    Interlocked.CompareExchange(ref region.Failure, failure, null);
                }
                Interlocked.Increment(ref region.Finished);
            }
        }
        finally
        {
            t_inside = false;
        }
    }

    private static void StartThreads()
    {
        for (; s_started < s_count - 1; s_started++)
        {
            int number = s_started;
            new Thread(() => Loop(number)) { IsBackground = true, Name = $"csunet worker {number + 1}" }.Start();
        }
    }

    private static void Loop(int number)
    {
        int seen = 0;
        while (true)
        {
            int spins = 0;
            while (Volatile.Read(ref s_epoch) == seen)
            {
                if (++spins < SpinPauses)
                {
                    Thread.SpinWait(8);
                    continue;
                }
                Interlocked.Increment(ref s_parked);
                // A region may begin between the last check and the increment. Either its release counts this thread, or the next check
                // sees it.
                if (Volatile.Read(ref s_epoch) == seen)
                    s_wake.Wait();
                Interlocked.Decrement(ref s_parked);
                spins = 0;
            }
            seen = Volatile.Read(ref s_epoch);
            if (number < s_count - 1 && Volatile.Read(ref s_region) is { } region)
                Work(region);
        }
    }
}
