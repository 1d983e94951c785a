using System.Globalization;

namespace CsUnet.Data;

/// <summary>
/// Finds the <see cref="IntensityScale"/> of a data set by a rule, while its pictures are read one after the other; or checks the pictures
/// against a scale that was found before.
/// </summary>
internal sealed class IntensitySearch(IntensityRule rule, IntensityScale? given)
{
    private readonly SortedDictionary<int, SampleHistogram> _histograms = [];
    private readonly List<(string Name, SampleStatistics Statistics)> _pictures = [];
    private IntensityScale? _found;

    /// <summary>The scale.</summary>
    public IntensityScale Scale => given ?? _found ?? throw new InvalidOperationException("IntensitySearch: not all pictures were read");

    /// <summary>The scale of a picture if it does not depend on the pictures that are read later; otherwise null.</summary>
    public IntensityScale? KnownFor(int bits) => given ?? (rule.IsKnown(bits, out IntensityRange? range)
        ? new IntensityScale(new Dictionary<int, IntensityRange> { [bits] = range }) : null);

    /// <summary>Counts a picture in. Pictures that are ignored as a whole count nowhere.</summary>
    public void Add(string name, SampleHistogram histogram)
    {
        if (histogram.Count + histogram.NotFinite == 0)
            return;
        _pictures.Add((name, SampleStatistics.Of(histogram)));
        if (given is not null)
            return;
        if (_histograms.TryGetValue(histogram.Bits, out SampleHistogram? all))
            all.Add(histogram);
        else
            _histograms.Add(histogram.Bits, histogram);
    }

    /// <summary>Finds the scale after the last picture.</summary>
    /// <exception cref="DataException">The rule finds no range for the samples.</exception>
    public void Finish(string place) => _found = new IntensityScale(
        _histograms.ToDictionary(entry => entry.Key, entry => rule.Find(entry.Value, place)));

    /// <summary>The scale and how it was found, for people.</summary>
    public string Describe() => given is not null ? $"{given}" : $"{rule}: {string.Join("; ", _histograms.Values.Select(Describe))}";

    /// <summary>The pictures that the scale does not fit, and why.</summary>
    public IReadOnlyList<(string Name, string Doubt)> Doubts() =>
        [.. _pictures.Select(picture => (picture.Name, Doubt: Scale.Doubt(picture.Statistics)))
            .Where(picture => picture.Doubt is not null).Select(picture => (picture.Name, picture.Doubt!))];

    private string Describe(SampleHistogram histogram)
    {
        IntensityRange range = Scale.Ranges[histogram.Bits];
        double outside = histogram.Outside(range);
        string reach = $"{IntensityRange.Text(histogram.Minimum)} to {IntensityRange.Text(histogram.Maximum)}",
            cut = outside > 0 ? string.Create(CultureInfo.InvariantCulture, $", {outside:P3} of them outside") : "";
        return $"{IntensityScale.Describe(histogram.Bits, range)}; the samples of the training images are {reach}{cut}";
    }
}
