using System.Runtime.ExceptionServices;
using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>
/// Prepares training batches on background threads. A step's batch depends only on the seed and the step, not on the threads or
/// where a run resumes. Images are drawn in shuffled passes without replacement, across the borders of batches and epochs, and every entry
/// gets its own crop. The loader reuses the memory of <see cref="BatchOptions.Prefetch"/> + 1 batches.
/// </summary>
/// <remarks>Only one thread may consume. If a batch has more entries than there are images, one batch spans several passes.</remarks>
public sealed class BatchLoader : IBatchSource
{
    private readonly MicrographDataset _dataset;
    private readonly BatchOptions _options;
    private readonly Thread[] _threads;

    // The gate guards all fields below.
    private readonly object _gate = new();
    private readonly Stack<Batch> _free = new();
    private readonly Dictionary<int, Batch> _ready = [];
    private readonly Dictionary<int, ExceptionDispatchInfo> _failures = [];
    private Batch? _lent;
    private int _expectedStep;
    private int _nextStep;
    private int _generation;
    private bool _started;
    private int _running;
    private bool _stopping;

    /// <summary>A loader over a data set, which the caller owns. Threads start with the first request.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size, or the number of threads or batches, is below 1.</exception>
    public BatchLoader(MicrographDataset dataset, BatchOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Prefetch, 1);
        _dataset = dataset;
        _options = options;
        // The consumer may be inside a step, whose memory is released at its end; a batch must outlive it.
        using (StepArena.Suspend())
        {
            for (int i = 0; i <= options.Prefetch; i++)
            {
                _free.Push(new Batch(
                    Tensor.Empty([options.BatchSize, options.Height, options.Width, 3]),
                    Tensor.Empty([options.BatchSize, options.Height, options.Width], DType.UInt8)));
            }
        }
        _threads = [.. Enumerable.Range(0, options.Threads).Select(i =>
            new Thread(Produce) { IsBackground = true, Name = $"csunet loader {i + 1}" })];
    }

    /// <summary>Steps per epoch: enough to crop every image once.</summary>
    public int StepsPerEpoch => (_dataset.Count + _options.BatchSize - 1) / _options.BatchSize;

    /// <summary>The images that a step's batch is cropped from.</summary>
    /// <param name="step">From 0.</param>
    public int[] IndicesOf(int step)
    {
        int count = _dataset.Count;
        int[] indices = new int[_options.BatchSize];
        int[] order = [];
        long orderedPass = -1;
        for (int entry = 0; entry < indices.Length; entry++)
        {
            // Samples are numbered consecutively; number n is entry n % count of pass n / count.
            long number = (long)step * _options.BatchSize + entry;
            if (number / count != orderedPass)
            {
                orderedPass = number / count;
                order = Shuffle(count, Augmentation.ShuffleKey(_options.Seed, (uint)orderedPass));
            }
            indices[entry] = order[number % count];
        }
        return indices;
    }

    /// <summary>
    /// The batch of a step. Steps out of order restart the prefetch. The tensors are valid until the next call, which reuses
    /// them.
    /// </summary>
    /// <param name="step">From 0.</param>
    /// <exception cref="DataException">A file of the batch can no longer be read.</exception>
    /// <exception cref="ObjectDisposedException">The loader has been disposed.</exception>
    public Batch GetBatch(int step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            if (_lent is { } lent)
            {
                // The same step again: its batch is unchanged.
                if (lent.Step == step)
                    return lent;
                _free.Push(lent);
                _lent = null;
            }
            if (!_started || step != _expectedStep)
                Restart(step);
            Monitor.PulseAll(_gate);
            while (true)
            {
                if (_ready.Remove(step, out Batch? batch))
                {
                    _lent = batch;
                    _expectedStep = step + 1;
                    return batch;
                }
                if (_failures.TryGetValue(step, out ExceptionDispatchInfo? failure))
                    failure.Throw();
                ObjectDisposedException.ThrowIf(_stopping, this);
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>The batches of steps <paramref name="first"/>, first + 1, ... below <paramref name="end"/>; each is valid until the
    /// next.</summary>
    public IEnumerable<Batch> From(int first, int end = int.MaxValue)
    {
        for (int step = first; step < end; step++)
            yield return GetBatch(step);
    }

    /// <summary>Stops the threads and waits for them. Batches must no longer be used.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopping)
                return;
            _stopping = true;
            Monitor.PulseAll(_gate);
            if (!_started)
                return;
        }
        foreach (Thread thread in _threads.AsSpan(0, _running))
            thread.Join();
    }

    private void Restart(int step)
    {
        _generation++;
        _expectedStep = _nextStep = step;
        foreach (Batch batch in _ready.Values)
            _free.Push(batch);
        _ready.Clear();
        _failures.Clear();
        if (_started)
            return;
        _started = true;
        // The system may refuse a thread, for lack of memory. Only those that run can be waited for.
        foreach (Thread thread in _threads)
        {
            thread.Start();
            _running++;
        }
    }

    private void Produce()
    {
        var augmentation = new Augmentation(_options.Augmentation);
        while (Claim() is { } work)
        {
            ExceptionDispatchInfo? failure = null;
            try
            {
                Fill(work.Batch, work.Step, augmentation);
            }
            catch (Exception exception)
            {
                // The consumer receives this exception when it asks for the step.
                failure = ExceptionDispatchInfo.Capture(exception);
            }
            lock (_gate)
            {
                if (work.Generation != _generation || failure is not null)
                    _free.Push(work.Batch);
                else
                    _ready.Add(work.Step, work.Batch);
                if (work.Generation == _generation && failure is not null)
                    _failures.Add(work.Step, failure);
                Monitor.PulseAll(_gate);
            }
        }
    }

    private (Batch Batch, int Step, int Generation)? Claim()
    {
        lock (_gate)
        {
            // Prepare nothing beyond a failed step: the consumer stops there, or restarts elsewhere.
            while (!_stopping && (_free.Count == 0 || _failures.Count > 0))
                Monitor.Wait(_gate);
            if (_stopping)
                return null;
            int step = _nextStep++;
            return (_free.Pop(), step, _generation);
        }
    }

    private void Fill(Batch batch, int step, Augmentation augmentation)
    {
        int[] indices = IndicesOf(step);
        int height = _options.Height, width = _options.Width;
        for (int entry = 0; entry < indices.Length; entry++)
        {
            augmentation.Apply(
                _dataset[indices[entry]], height, width, Augmentation.Key(_options.Seed, step, entry), _options.Normalisation,
                batch.Images.Slice(entry, 1).AsSpan<float>(), batch.Labels.Slice(entry, 1).AsSpan<byte>());
        }
        batch.Step = step;
        batch.Indices = indices;
    }

    private static int[] Shuffle(int count, RandomKey key)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = key.Integer((ulong)i, i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }
}
