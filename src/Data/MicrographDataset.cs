namespace CsUnet.Data;

/// <summary>Micrographs with labels: the files of a folder, or images in memory. Several threads may read samples.</summary>
public abstract class MicrographDataset
{
    private readonly Lazy<DatasetContent> _content;
    private readonly Lazy<SplitSummary> _summary;

    /// <summary>For derived data sets.</summary>
    /// <param name="name">The set's name in messages.</param>
    /// <param name="classMap">Its classes.</param>
    protected MicrographDataset(string name, ClassMap classMap)
    {
        Name = name;
        ClassMap = classMap;
        _content = new Lazy<DatasetContent>(ReadContent);
        _summary = new Lazy<SplitSummary>(Summarise);
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

    /// <summary>How files were read where that is not plain (<see cref="RawImage.Notices"/>): each with its number of files and the first.
    /// </summary>
    public virtual IReadOnlyList<string> Notices => [];

    /// <summary>
    /// The fraction of each class among the pixels that are not ignored, by label.
    /// </summary>
    public IReadOnlyList<double> PixelShares()
    {
        IReadOnlyList<long> counts = Summary.ClassPixels;
        double total = Math.Max(1, counts.Sum());
        return [.. counts.Select(count => count / total)];
    }

    /// <summary>Counts over all samples, for the check of a set as a whole. Of files they are made when the set is opened.</summary>
    public SplitSummary Summary => _summary.Value;

    /// <summary>How the samples of the files became levels; for images in memory, which are levels already, the full range.</summary>
    public virtual IntensityScale Intensity => IntensityScale.Full;

    /// <summary><see cref="Intensity"/> and how it was found, for people.</summary>
    public virtual string IntensityText => $"{Intensity}";

    /// <summary>
    /// The images that <see cref="Intensity"/> does not fit, and why (<see cref="IntensityScale.Doubt(RawImage, int?)"/>).
    /// </summary>
    public virtual IReadOnlyList<(string Name, string Doubt)> IntensityDoubts => [];

    /// <summary>Opens one split of a data set on disk and checks all its files.</summary>
    /// <param name="directory">The folder that holds <c>train</c>, <c>train_annot</c> and so on.</param>
    /// <param name="split"><c>train</c>, <c>val</c> or <c>test</c>.</param>
    /// <param name="classMap">Maps annotations to labels.</param>
    /// <param name="subset">The names of the images to use (without extension); null for all.</param>
    /// <param name="memoryLimit">Sets up to this many bytes stay in memory; larger sets are read on demand.</param>
    /// <param name="rule">How to find the range of samples that becomes levels, in the files of this split; null: <see
    /// cref="IntensityRule.Auto"/>.</param>
    /// <param name="intensity">The scale of the training images, for other images of a run; null: found by the rule.</param>
    /// <exception cref="DataException">A file is missing or invalid; the message lists every problem with its path.</exception>
    public static MicrographDataset Open(
        string directory, string split, ClassMap classMap, IReadOnlyList<string>? subset = null, long memoryLimit = 2_000_000_000,
        IntensityRule? rule = null, IntensityScale? intensity = null) =>
        new FileDataset(directory, split, classMap, subset, memoryLimit, new IntensitySearch(rule ?? IntensityRule.Auto, intensity));

    /// <summary>A data set of samples in memory.</summary>
    /// <exception cref="ArgumentException">There are no samples, or a label is not a class.</exception>
    public static MicrographDataset FromSamples(string name, ClassMap classMap, IReadOnlyList<Sample> samples) =>
        new MemoryDataset(name, classMap, samples);

    /// <summary>Computes <see cref="Content"/>; by default from the samples.</summary>
    private protected virtual DatasetContent ReadContent() =>
        DatasetContent.OfSamples(Name, Enumerable.Range(0, Count).Select(index => this[index]));

    /// <summary>Computes <see cref="Summary"/>; by default from the samples.</summary>
    private protected virtual SplitSummary Summarise() => SplitSummary.Of(this);

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
