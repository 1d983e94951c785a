using System.Globalization;
using System.Text.Json;

namespace CsUnet.Data;

/// <summary>
/// How the samples of files become the levels 0 to 255 of an <see cref="Image"/>: one <see cref="IntensityRange"/> for each sample type.
/// Training images determine it, by an <see cref="IntensityRule"/>; validation, evaluation and prediction read their images by the same.
/// </summary>
public sealed class IntensityScale
{
    /// <summary>The <see cref="RawImage.Bits"/> of real samples.</summary>
    private const int Real = 32;

    /// <summary>A range that is used to less than this share is much too wide for the picture.</summary>
    private const double LeastUse = 0.1;

    private readonly SortedDictionary<int, IntensityRange> _ranges;

    internal IntensityScale(IReadOnlyDictionary<int, IntensityRange> ranges) => _ranges = new(ranges.ToDictionary());

    /// <summary>The full range of every sample type (<see cref="IntensityRule.Full"/>), for pictures of unknown origin.</summary>
    public static IntensityScale Full { get; } = new(new Dictionary<int, IntensityRange>());

    /// <summary>
    /// The ranges by sample type, which is the <see cref="RawImage.Bits"/> of a picture. A picture of another type is read by a range of
    /// its own (<see cref="IntensityRule.Auto"/>); if no type is known at all, by the full range of its type.
    /// </summary>
    public IReadOnlyDictionary<int, IntensityRange> Ranges => _ranges;

    /// <summary>The range of a picture's samples.</summary>
    /// <param name="raw">The picture.</param>
    /// <param name="path">Its file, for errors.</param>
    /// <exception cref="DataException">The type has no range here, and the picture's samples do not tell one.</exception>
    public IntensityRange RangeOf(RawImage raw, string path)
    {
        if (_ranges.TryGetValue(raw.Bits, out IntensityRange? known))
            return known;
        IntensityRule rule = _ranges.Count == 0 ? IntensityRule.Full : IntensityRule.Auto;
        return rule.IsKnown(raw.Bits, out known) ? known : rule.Find(SampleHistogram.Of(raw), path);
    }

    /// <summary>The picture in levels.</summary>
    /// <param name="raw">The picture.</param>
    /// <param name="path">Its file, for errors.</param>
    /// <exception cref="DataException">As for <see cref="RangeOf"/>.</exception>
    public Image Apply(RawImage raw, string path) => RangeOf(raw, path).Apply(raw);

    /// <summary>
    /// What makes it doubtful that a picture resembles the ones for which this scale was found: another sample type, more than 5 % of the
    /// samples beyond an end of the range, a small part of the range used, or samples that are no numbers. Null if nothing does.
    /// </summary>
    /// <param name="raw">The picture.</param>
    /// <param name="rows">Only the first rows are looked at; null: all.</param>
    public string? Doubt(RawImage raw, int? rows = null) => Doubt(SampleStatistics.Of(SampleHistogram.Of(raw, rows: rows)));

    /// <summary>For people: <c>16-bit samples 0 to 4095</c>.</summary>
    public override string ToString() => _ranges.Count == 0 ? "the full range of the samples"
        : string.Join("; ", _ranges.Select(entry => Describe(entry.Key, entry.Value)));

    /// <summary>Whether both scales turn the samples of all types that either knows into the same levels.</summary>
    public bool MeansTheSame(IntensityScale other) =>
        _ranges.Keys.Union(other._ranges.Keys).All(bits => Known(bits) is { } range && range == other.Known(bits));

    /// <summary>The text that <see cref="Parse"/> reads: a JSON object of bits per sample, for example <c>{"16":[0,4095]}</c>.</summary>
    public string ToText() => JsonSerializer.Serialize(_ranges.ToDictionary(
        entry => entry.Key.ToString(CultureInfo.InvariantCulture), entry => new[] { entry.Value.Low, entry.Value.High }));

    /// <summary>Reads what <see cref="ToText"/> wrote.</summary>
    /// <exception cref="FormatException">The text is something else.</exception>
    public static IntensityScale Parse(string text)
    {
        Dictionary<string, double[]?>? entries;
        try
        {
            entries = JsonSerializer.Deserialize<Dictionary<string, double[]?>>(text);
        }
        catch (JsonException failure)
        {
            throw new FormatException($"the intensity ranges are no JSON object of two numbers each: {failure.Message}", failure);
        }
        var ranges = new Dictionary<int, IntensityRange>();
        foreach ((string type, double[]? range) in entries ?? throw new FormatException("the intensity ranges are null"))
        {
            if (!int.TryParse(type, NumberStyles.None, CultureInfo.InvariantCulture, out int bits) || bits is not (>= 1 and <= 16 or Real)
                || range is not { Length: 2 } || !IntensityRange.IsRange(range[0], range[1])
                || !ranges.TryAdd(bits, new IntensityRange(range[0], range[1])))
            {
                throw new FormatException($"the intensity range of '{type}' is not two ascending numbers of 1 to 16 or {Real} bits");
            }
        }
        return new IntensityScale(ranges);
    }

    /// <summary>A sample type for people.</summary>
    internal static string NameOf(int bits) => bits == Real ? "real" : $"{bits}-bit";

    /// <summary>A sample type and its range for people.</summary>
    internal static string Describe(int bits, IntensityRange range) =>
        $"{NameOf(bits)} samples {range}{(bits < Real && range == IntensityRange.FullOf(bits) ? " (their full range)" : "")}";

    /// <inheritdoc cref="Doubt(RawImage, int?)"/>
    internal string? Doubt(SampleStatistics picture)
    {
        var doubts = new List<string>();
        if (picture.NotFinite > 0)
            doubts.Add($"{picture.NotFinite} samples are NaN or infinite");
        bool isUnlike = _ranges.Count > 0 && !_ranges.ContainsKey(picture.Bits);
        if (isUnlike)
            doubts.Add($"it has {NameOf(picture.Bits)} samples, the training images have "
                + $"{string.Join(" and ", _ranges.Keys.Select(NameOf))} ones; it is read by a range of its own");
        else if (picture.Count > 0 && (Known(picture.Bits) ?? IntensityRule.NominalOf(picture.Low, picture.High)) is { } range)
            doubts.AddRange(Misfits(picture, range));
        return doubts.Count == 0 ? null : string.Join("; ", doubts);
    }

    private static IEnumerable<string> Misfits(SampleStatistics picture, IntensityRange range)
    {
        bool isBelow = picture.FifthLow < range.Low, isAbove = picture.FifthHigh > range.High;
        if (isBelow)
            yield return $"more than 5 % of the samples are below {IntensityRange.Text(range.Low)}, where the intensity range begins";
        if (isAbove)
            yield return $"more than 5 % of the samples are above {IntensityRange.Text(range.High)}, where the intensity range ends";
        double used = Math.Min(picture.High, range.High) - Math.Max(picture.Low, range.Low);
        if (!isBelow && !isAbove && used < LeastUse * (range.High - range.Low))
            yield return $"nearly all samples are {IntensityRange.Text(picture.Low)} to {IntensityRange.Text(picture.High)}, less than a "
                + $"tenth of the intensity range {range}";
    }

    private IntensityRange? Known(int bits) =>
        _ranges.GetValueOrDefault(bits) ?? (bits < Real ? IntensityRange.FullOf(bits) : null);
}
