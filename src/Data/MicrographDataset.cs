namespace CsUnet.Data;

/// <summary>Micrographs with labels: the files of a folder, or images in memory. Several threads may read samples.</summary>
public abstract class MicrographDataset
{
    private readonly Lazy<IReadOnlyList<double>> _pixelShares;
    private readonly Lazy<DatasetContent> _content;

    /// <summary>For derived data sets.</summary>
    /// <param name="name">The set's name in messages.</param>
    /// <param name="classMap">Its classes.</param>
    protected MicrographDataset(string name, ClassMap classMap)
    {
        Name = name;
        ClassMap = classMap;
        _pixelShares = new Lazy<IReadOnlyList<double>>(CountShares);
        _content = new Lazy<DatasetContent>(ReadContent);
    }

    /// <summary>The folder, or the set's name in messages.</summary>
    public string Name { get; }

    /// <summary>The classes of the labels.</summary>
    public ClassMap ClassMap { get; }

    /// <summary>Number of samples.</summary>
    public abstract int Count { get; }

    /// <summary>Bytes of the samples that stay in memory.</summary>
    public virtual long MemoryBytes => 0;

    /// <summary>The sample at an index from 0, in the order of the names.</summary>
    /// <exception cref="DataException">The sample is read on demand, and its files have changed since the set was opened.</exception>
    public abstract Sample this[int index] { get; }

    /// <summary>What the set contains, by names and hashes; computed once.</summary>
    /// <exception cref="DataException">A file cannot be read.</exception>
    public DatasetContent Content => _content.Value;

    /// <summary>
    /// The fraction of each class among the pixels that are not ignored, by label.
    /// </summary>
    public IReadOnlyList<double> PixelShares() => _pixelShares.Value;

    /// <summary>Opens one split of a data set on disk and checks all its files.</summary>
    /// <param name="directory">The folder that holds <c>train</c>, <c>train_annot</c> and so on.</param>
    /// <param name="split"><c>train</c>, <c>val</c> or <c>test</c>.</param>
    /// <param name="classMap">Maps annotations to labels.</param>
    /// <param name="subset">The names of the images to use (without extension); null for all.</param>
    /// <param name="memoryLimit">Sets up to this many bytes stay in memory; larger sets are read on demand.</param>
    /// <exception cref="DataException">A file is missing or invalid; the message lists every problem with its path.</exception>
    public static MicrographDataset Open(
        string directory, string split, ClassMap classMap, IReadOnlyList<string>? subset = null, long memoryLimit = 2_000_000_000) =>
        new FileDataset(directory, split, classMap, subset, memoryLimit);

    /// <summary>A data set of samples in memory.</summary>
    /// <exception cref="ArgumentException">There are no samples, or a label is not a class.</exception>
    public static MicrographDataset FromSamples(string name, ClassMap classMap, IReadOnlyList<Sample> samples) =>
        new MemoryDataset(name, classMap, samples);

    /// <summary>Computes <see cref="Content"/>; by default from the samples.</summary>
    private protected virtual DatasetContent ReadContent() =>
        DatasetContent.OfSamples(Name, Enumerable.Range(0, Count).Select(index => this[index]));

    private List<double> CountShares()
    {
        long[] counts = new long[256];
        for (int i = 0; i < Count; i++)
            foreach (byte label in this[i].Labels)
                counts[label]++;
        double total = Math.Max(1, counts.AsSpan(0, ClassMap.Count).ToArray().Sum());
        return [.. counts.Take(ClassMap.Count).Select(count => count / total)];
    }

    private sealed class MemoryDataset : MicrographDataset
    {
        private readonly Sample[] _samples;

        public MemoryDataset(string name, ClassMap classMap, IReadOnlyList<Sample> samples)
            : base(name, classMap)
        {
            if (samples.Count == 0)
                throw new ArgumentException($"{name}: no samples; expected at least one", nameof(samples));
            foreach (Sample sample in samples)
                foreach (byte label in sample.Labels)
                    if (label >= classMap.Count && label != ClassMap.Ignored)
                        throw new ArgumentException($"{name}, {sample.Name}: label {label}; expected below {classMap.Count}",
                            nameof(samples));
            _samples = [.. samples];
        }

        public override int Count => _samples.Length;

        public override long MemoryBytes => _samples.Sum(sample => sample.Bytes);

        public override Sample this[int index] => _samples[index];
    }
}
