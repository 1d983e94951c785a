namespace CsUnet.Data;

/// <summary>
/// Pixels of masks by label, and those that fell to the default class by value. Masks are added in the order of their names.
/// </summary>
internal sealed class MaskCounts
{
    // A mask with noise of 16 bits could hold millions of colours. The rest is counted together.
    private const int MostColours = 1 << 16;

    private readonly long[] _labels = new long[256];
    // Grey values are the rule, and overlays have one of them in every pixel: an array is faster than a dictionary.
    private readonly long[] _greys = new long[256];
    private readonly Dictionary<MaskValue, long> _others = [];

    /// <summary>Pixels by label, of all 256 labels.</summary>
    public ReadOnlySpan<long> Labels => _labels;

    /// <summary>Pixels of values beyond the largest number of different ones that are kept.</summary>
    public long Uncounted { get; private set; }

    /// <summary>The values that fell to the default class, with their pixels.</summary>
    public IEnumerable<(MaskValue Value, long Pixels)> Defaulted => Enumerable.Range(0, _greys.Length)
        .Where(value => _greys[value] > 0)
        .Select(value => (new MaskValue(value, value, value, Scaled: false), _greys[value]))
        .Concat(_others.Select(entry => (entry.Key, entry.Value)));

    /// <summary>Counts labels.</summary>
    public void AddLabels(ReadOnlySpan<byte> labels)
    {
        foreach (byte label in labels)
            _labels[label]++;
    }

    /// <summary>Counts pixels of one value or colour.</summary>
    /// <param name="label">Their label; below 0 if they have none, which is an error that is reported elsewhere.</param>
    /// <param name="key">Red, green and blue, 16 bits each.</param>
    /// <param name="pixels">Their number.</param>
    /// <param name="isDefaulted">Whether no class lists the value, so that it became the default class.</param>
    /// <param name="scaled">Whether the file's samples are 16-bit, with 8-bit values multiplied by 257.</param>
    public void Add(int label, ulong key, long pixels, bool isDefaulted, bool scaled)
    {
        if (label >= 0)
            _labels[label] += pixels;
        if (!isDefaulted)
            return;
        int r = (int)(key >> 32), g = (int)(key >> 16 & 0xFFFF), b = (int)(key & 0xFFFF);
        // The same colour in an 8-bit and in a 16-bit file is one colour.
        if (scaled && r % 257 == 0 && g % 257 == 0 && b % 257 == 0)
            (r, g, b, scaled) = (r / 257, g / 257, b / 257, false);
        Add(new MaskValue(r, g, b, scaled), pixels);
    }

    /// <summary>Adds the counts of another mask.</summary>
    public void Add(MaskCounts other)
    {
        for (int i = 0; i < _labels.Length; i++)
            _labels[i] += other._labels[i];
        foreach ((MaskValue value, long pixels) in other.Defaulted)
            Add(value, pixels);
        Uncounted += other.Uncounted;
    }

    private void Add(MaskValue value, long pixels)
    {
        if (value is { IsGrey: true, Scaled: false, R: < 256 })
            _greys[value.R] += pixels;
        else if (_others.TryGetValue(value, out long seen))
            _others[value] = seen + pixels;
        else if (_others.Count < MostColours)
            _others.Add(value, pixels);
        else
            Uncounted += pixels;
    }
}
