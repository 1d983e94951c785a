using System.Collections.Concurrent;
using CsUnet.Tensors;

namespace CsUnet.Data;

internal sealed partial class FileDataset
{
    /// <summary>The content of an image's and a mask's file.</summary>
    private sealed record Files(Pair Pair, RawImage Raw, byte[] Labels)
    {
        /// <summary>Counts the samples that are not ignored; null as soon as they are part of the set's histogram.</summary>
        public SampleHistogram? Histogram { get; set; }

        /// <summary>Memory of the sample that it becomes.</summary>
        public long LevelBytes => (long)Raw.Height * Raw.Width * Raw.Channels + Labels.LongLength;

        /// <summary>Memory of the samples as they are in the file.</summary>
        public long RawBytes => (long)Raw.Height * Raw.Width * Raw.Channels * (Raw.Bytes is not null ? 1 : Raw.Words is not null ? 2 : 4);

        public Sample Scaled(IntensityScale scale) => new(Pair.Name, scale.Apply(Raw, Pair.Image).Compact(), Labels);
    }

    private readonly IntensitySearch _search;

    // The files whose levels depend on files that were not read yet.
    private readonly Files?[] _waiting;

    public override IntensityScale Intensity => _search.Scale;

    public override string IntensityText => _search.Describe();

    public override IReadOnlyList<(string Name, string Doubt)> IntensityDoubts => _search.Doubts();

    private Sample ReadSample(Pair pair) => Read(pair).Scaled(Intensity);

    /// <summary>Makes the sample of a file, now or when all files are read.</summary>
    private void Scale(int index, Files files)
    {
        files.Histogram = SampleHistogram.Of(files.Raw, files.Labels);
        if (_search.KnownFor(files.Raw.Bits) is { } scale)
            _samples[index] = files.Scaled(scale);
        else
            _waiting[index] = files;
    }

    private void CountIn(Files files)
    {
        if (files.Histogram is { } histogram)
            _search.Add(files.Pair.Name, histogram);
        files.Histogram = null;
    }

    /// <summary>Forgets waiting files that need more memory than is left; <see cref="ScaleWaiting"/> reads them again.</summary>
    private void LimitWaiting(long limit)
    {
        for (int i = 0; i < _waiting.Length; i++)
        {
            limit -= _waiting[i]?.RawBytes ?? 0;
            if (limit < 0)
                _waiting[i] = null;
        }
    }

    private void ScaleWaiting()
    {
        var problems = new ConcurrentBag<DataException>();
        Parallel.For(0, _pairs.Length, new ParallelOptions { MaxDegreeOfParallelism = Workers.Count }, i =>
        {
            try
            {
                _samples[i] ??= _waiting[i] is { } files ? files.Scaled(Intensity) : ReadSample(_pairs[i]);
                _waiting[i] = null;
            }
            catch (DataException failure)
            {
                problems.Add(failure);
            }
        });
        if (!problems.IsEmpty)
            throw DataException.Many(Name, [.. problems.OrderBy(problem => problem.Path, StringComparer.Ordinal)]);
    }
}
