namespace CsUnet.Data;

/// <summary>
/// How often each sample value occurs, in pictures of one sample type. Whole numbers of up to 16 bits are counted exactly; real samples in
/// bins of a relative width of 2^-15, because as many bins as values would not fit in memory. NaN and infinity are only counted.
/// </summary>
internal sealed class SampleHistogram(int bits)
{
    // Bins are pages of a table, so that a few used bins cost little memory. The number of a bin has 24 bits.
    private const int PageBits = 12, PageSize = 1 << PageBits;

    private readonly long[]?[] _pages = new long[PageSize][];

    /// <summary>The sample type: <see cref="RawImage.Bits"/>.</summary>
    public int Bits => bits;

    /// <summary>Counted samples; those that are not finite are left out.</summary>
    public long Count { get; private set; }

    /// <summary>Samples that are NaN or infinite.</summary>
    public long NotFinite { get; private set; }

    /// <summary>The smallest sample.</summary>
    public double Minimum { get; private set; } = double.PositiveInfinity;

    /// <summary>The largest sample.</summary>
    public double Maximum { get; private set; } = double.NegativeInfinity;

    private bool IsReal => bits > 16;

    /// <summary>The histogram of a picture.</summary>
    /// <param name="raw">The picture.</param>
    /// <param name="labels">Pixels with the label <see cref="ClassMap.Ignored"/> are left out; empty: none.</param>
    /// <param name="rows">Only the first rows are counted; null: all.</param>
    public static SampleHistogram Of(RawImage raw, ReadOnlySpan<byte> labels = default, int? rows = null)
    {
        var histogram = new SampleHistogram(raw.Bits);
        int pixels = (rows ?? raw.Height) * raw.Width;
        if (raw.Reals is { } reals)
            histogram.AddReals(reals, pixels, raw.Channels, labels);
        else if (raw.Bytes is { } bytes)
            histogram.AddWhole(bytes, pixels, raw.Channels, labels);
        else
            histogram.AddWhole(raw.Words!, pixels, raw.Channels, labels);
        return histogram;
    }

    /// <summary>Adds the samples of other pictures of the same type.</summary>
    public void Add(SampleHistogram other)
    {
        for (int page = 0; page < PageSize; page++)
        {
            if (other._pages[page] is not { } source)
                continue;
            long[] target = _pages[page] ??= new long[PageSize];
            for (int i = 0; i < PageSize; i++)
                target[i] += source[i];
        }
        Count += other.Count;
        NotFinite += other.NotFinite;
        Minimum = Math.Min(Minimum, other.Minimum);
        Maximum = Math.Max(Maximum, other.Maximum);
    }

    /// <summary>The smallest sample after that share of the samples was left out at the lower end, whole samples only.</summary>
    public double Lower(double share)
    {
        long left = (long)(share * Count);
        foreach ((int bin, long count) in Bins(0, 1))
        {
            left -= count;
            if (left < 0)
                return Math.Max(Minimum, Start(bin));
        }
        return Minimum;
    }

    /// <summary>The largest sample after that share of the samples was left out at the upper end, whole samples only.</summary>
    public double Upper(double share)
    {
        long left = (long)(share * Count);
        foreach ((int bin, long count) in Bins(PageSize * PageSize - 1, -1))
        {
            left -= count;
            if (left < 0)
                return Math.Min(Maximum, End(bin));
        }
        return Maximum;
    }

    /// <summary>The smallest sample that is not below a value.</summary>
    public double SmallestFrom(double value)
    {
        foreach ((int bin, _) in Bins(0, 1))
            if (End(bin) >= value)
                return Math.Max(Math.Max(Minimum, Start(bin)), value);
        return Maximum;
    }

    /// <summary>The largest sample that is not above a value.</summary>
    public double LargestUpTo(double value)
    {
        foreach ((int bin, _) in Bins(PageSize * PageSize - 1, -1))
            if (Start(bin) <= value)
                return Math.Min(Math.Min(Maximum, End(bin)), value);
        return Minimum;
    }

    /// <summary>The share of the samples that lie outside of a range.</summary>
    public double Outside(IntensityRange range)
    {
        long outside = 0;
        foreach ((int bin, long count) in Bins(0, 1))
            if (End(bin) < range.Low || Start(bin) > range.High)
                outside += count;
        return (double)outside / Math.Max(1, Count);
    }

    private void AddWhole(byte[] samples, int pixels, int channels, ReadOnlySpan<byte> labels)
    {
        int[] counts = new int[256];
        for (int pixel = 0, i = 0; pixel < pixels; pixel++, i += channels)
            if (labels.IsEmpty || labels[pixel] != ClassMap.Ignored)
                for (int c = 0; c < channels; c++)
                    counts[samples[i + c]]++;
        AddCounts(counts);
    }

    private void AddWhole(ushort[] samples, int pixels, int channels, ReadOnlySpan<byte> labels)
    {
        int[] counts = new int[65536];
        for (int pixel = 0, i = 0; pixel < pixels; pixel++, i += channels)
            if (labels.IsEmpty || labels[pixel] != ClassMap.Ignored)
                for (int c = 0; c < channels; c++)
                    counts[samples[i + c]]++;
        AddCounts(counts);
    }

    private void AddCounts(int[] counts)
    {
        for (int value = 0; value < counts.Length; value++)
            if (counts[value] > 0)
                Add(value, counts[value], value);
    }

    private void AddReals(float[] samples, int pixels, int channels, ReadOnlySpan<byte> labels)
    {
        for (int pixel = 0, i = 0; pixel < pixels; pixel++, i += channels)
            if (labels.IsEmpty || labels[pixel] != ClassMap.Ignored)
                for (int c = 0; c < channels; c++)
                    AddReal(samples[i + c]);
    }

    private void AddReal(float sample)
    {
        // Adding zero turns -0 into 0.
        float value = sample + 0f;
        if (float.IsFinite(value))
            Add((int)(Order(value) >> 8), 1, value);
        else
            NotFinite++;
    }

    private void Add(int bin, long count, double value)
    {
        (_pages[bin >> PageBits] ??= new long[PageSize])[bin & (PageSize - 1)] += count;
        Count += count;
        Minimum = Math.Min(Minimum, value);
        Maximum = Math.Max(Maximum, value);
    }

    private IEnumerable<(int Bin, long Count)> Bins(int first, int step)
    {
        for (int bin = first; bin >= 0 && bin < PageSize * PageSize; bin += step)
        {
            if (_pages[bin >> PageBits] is not { } page)
            {
                // The loop steps from the last bin of an absent page.
                bin = step > 0 ? bin | (PageSize - 1) : bin & ~(PageSize - 1);
                continue;
            }
            if (page[bin & (PageSize - 1)] is > 0 and long count)
                yield return (bin, count);
        }
    }

    private double Start(int bin) => IsReal ? Real((uint)bin << 8) : bin;

    private double End(int bin) => IsReal ? Real((uint)bin << 8 | 0xFF) : bin;

    // The bits of a float as a number that grows with it: negative floats have all bits inverted, others only the sign.
    private static uint Order(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
    }

    private static double Real(uint order)
    {
        uint bits = (order & 0x8000_0000) != 0 ? order & 0x7FFF_FFFF : ~order;
        return BitConverter.UInt32BitsToSingle(bits);
    }
}
