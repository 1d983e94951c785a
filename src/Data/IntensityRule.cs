using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace CsUnet.Data;

/// <summary>
/// How the range of sample values that becomes the levels 0 to 255 is found for a data set: by one of four words, or as two numbers. The
/// range is found for each sample type of the set by itself, over all its pictures, channels and pixels that are not ignored.
/// </summary>
public sealed record IntensityRule
{
    /// <summary>The share of the samples that <c>percentile</c> leaves out at each end.</summary>
    internal const double Tail = 0.001;

    private const string AutoWord = "auto", FullWord = "full", RangeWord = "range", PercentileWord = "percentile";

    private readonly string _word;

    private IntensityRule(string word, IntensityRange? given = null)
    {
        _word = word;
        Given = given;
    }

    /// <summary>
    /// Up to 8 bits: the full range. Wider and real samples: the range that is used, which is smallest to largest sample without outliers:
    /// the range of <see cref="Percentile"/>, widened at each end by half of itself as far as there are samples. If the used range is at
    /// least half of a usual one that contains it (0 to 2^n - 1 for n bits; for real samples 0 to 1, or n of at least 8), then the
    /// smallest usual one.
    /// </summary>
    public static IntensityRule Auto { get; } = new(AutoWord);

    /// <summary>
    /// Every value that the sample type can have: 0 to 255, or 0 to 65535. Real samples: the smallest of 0 to 1 and 0 to 2^n - 1, n from 8
    /// to 16, that contains all samples; if none does, the smallest to the largest sample.
    /// </summary>
    public static IntensityRule Full { get; } = new(FullWord);

    /// <summary>The smallest to the largest sample.</summary>
    public static IntensityRule Range { get; } = new(RangeWord);

    /// <summary>From the sample that 0.1 % are below to the sample that 0.1 % are above.</summary>
    public static IntensityRule Percentile { get; } = new(PercentileWord);

    /// <summary>The words.</summary>
    public static IReadOnlyList<string> Words { get; } = [AutoWord, FullWord, RangeWord, PercentileWord];

    /// <summary>The range if the rule gives it in numbers; otherwise null.</summary>
    public IntensityRange? Given { get; }

    /// <summary>A rule that is two numbers.</summary>
    public static IntensityRule Of(IntensityRange range) => new(
        string.Create(CultureInfo.InvariantCulture, $"{range.Low:R},{range.High:R}"), range);

    /// <summary>Reads a rule from text: a word, or <c>LO,HI</c>. Returns false if the text is neither.</summary>
    public static bool TryParse(string text, [MaybeNullWhen(false)] out IntensityRule rule)
    {
        rule = text switch
        {
            AutoWord => Auto,
            FullWord => Full,
            RangeWord => Range,
            PercentileWord => Percentile,
            _ => ParseNumbers(text),
        };
        return rule is not null;
    }

    /// <summary>The text that <see cref="TryParse"/> reads.</summary>
    public override string ToString() => _word;

    /// <summary>Whether the range of a sample type is known without looking at the samples.</summary>
    internal bool IsKnown(int bits, [MaybeNullWhen(false)] out IntensityRange range)
    {
        range = Given ?? (bits <= 16 && (this == Full || (this == Auto && bits <= 8)) ? IntensityRange.FullOf(bits) : null);
        return range is not null;
    }

    /// <summary>Finds the range of a sample type.</summary>
    /// <param name="histogram">The samples of the set that have this type.</param>
    /// <param name="place">The data set, for errors.</param>
    /// <exception cref="DataException">The samples have no such range.</exception>
    internal IntensityRange Find(SampleHistogram histogram, string place)
    {
        if (IsKnown(histogram.Bits, out IntensityRange? known))
            return known;
        double low = histogram.Minimum, high = histogram.Maximum;
        if (histogram.Count == 0)
            throw new DataException(place, "no sample is a finite number", "pictures with samples that are not NaN or infinite");
        if (this == Full)
            return NominalOf(low, high) ?? From(low, high);
        if (this == Percentile)
            (low, high) = (histogram.Lower(Tail), histogram.Upper(Tail));
        if (this == Auto)
            return FindUsed(histogram);
        return IntensityRange.IsRange(low, high) ? new IntensityRange(low, high) : throw new DataException(place,
            $"the intensity rule '{this}' finds no range: nearly all samples are {IntensityRange.Text(low)}", "samples of different values",
            "give the range as two numbers");
    }

    /// <summary>
    /// The usual range of real samples: the smallest of 0 to 1 and 0 to 2^n - 1, n from 8 to 16, that contains them; null if none does.
    /// </summary>
    internal static IntensityRange? NominalOf(double low, double high) =>
        Usual(32).FirstOrDefault(usual => Contains(usual, 32, low, high));

    private static IntensityRange FindUsed(SampleHistogram histogram)
    {
        double low = histogram.Lower(Tail), high = histogram.Upper(Tail), margin = (high - low) / 2;
        // Without noise, nearly all samples can have one value. Then the others are no outliers.
        (low, high) = margin > 0
            ? (histogram.SmallestFrom(low - margin), histogram.LargestUpTo(high + margin))
            : (histogram.Minimum, histogram.Maximum);
        // A set of a single value has no range of its own.
        if (low == high)
            return histogram.Bits <= 16 ? IntensityRange.FullOf(histogram.Bits) : NominalOf(low, high) ?? From(low, high);
        IntensityRange? usual = Usual(histogram.Bits).FirstOrDefault(range => Contains(range, histogram.Bits, low, high));
        return usual is not null && high - low >= usual.High / 2 ? usual : new IntensityRange(low, high);
    }

    // Interpolation of real samples overshoots, so they may lie outside of a usual range by a hundredth of their own.
    private static bool Contains(IntensityRange usual, int bits, double low, double high)
    {
        double slack = bits > 16 ? (high - low) / 100 : 0;
        return low >= -slack && high <= usual.High + slack;
    }

    /// <summary>The range of real samples that are in no usual one; a single value becomes level 0.</summary>
    private static IntensityRange From(double low, double high) =>
        IntensityRange.IsRange(low, high) ? new IntensityRange(low, high) : new IntensityRange(low, low + Math.Max(1, Math.Abs(low)));

    /// <summary>The ranges of detectors and programs, in ascending order.</summary>
    private static IEnumerable<IntensityRange> Usual(int bits) => bits <= 16
        ? Enumerable.Range(1, bits).Select(IntensityRange.FullOf)
        : Enumerable.Range(8, 9).Select(IntensityRange.FullOf).Prepend(new IntensityRange(0, 1));

    private static IntensityRule? ParseNumbers(string text)
    {
        string[] parts = text.Split(',');
        return parts.Length == 2
            && double.TryParse(parts[0], NumberStyles.Float, CultureInfo.InvariantCulture, out double low)
            && double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double high)
            && IntensityRange.IsRange(low, high)
            ? Of(new IntensityRange(low, high)) : null;
    }
}
