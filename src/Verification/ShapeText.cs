using System.Globalization;
using System.Text.RegularExpressions;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// A shape that the lab reads: sizes joined by x, an arrow to the number of output channels where there is one, and settings by name:
/// <c>6272x96->384</c>, <c>2x56x56x64->64 kernel 3 stride 1</c>, <c>2x56x56x96 window 7 heads 3 shift 3</c>.
/// </summary>
/// <param name="Sizes">The sizes.</param>
/// <param name="Channels">The number behind the arrow; 0 without one.</param>
/// <param name="Settings">The settings.</param>
public sealed partial record ShapeText(Shape Sizes, int Channels, IReadOnlyDictionary<string, int> Settings)
{
    /// <summary>A setting, or <paramref name="otherwise"/> where the text does not give it.</summary>
    public int this[string name, int otherwise] => Settings.GetValueOrDefault(name, otherwise);

    /// <summary>Reads a shape.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The shape, or null if the text is none.</returns>
    public static ShapeText? Read(string text)
    {
        Match match = Pattern().Match(text.Trim());
        if (!match.Success)
            return null;
        int[] sizes = [.. match.Groups["size"].Captures.Select(capture => int.Parse(capture.Value, CultureInfo.InvariantCulture))];
        var settings = match.Groups["name"].Captures.Zip(match.Groups["value"].Captures)
            .ToDictionary(pair => pair.First.Value,
                pair => int.Parse(pair.Second.Value, CultureInfo.InvariantCulture), StringComparer.Ordinal);
        int channels = match.Groups["out"].Success ? int.Parse(match.Groups["out"].Value, CultureInfo.InvariantCulture) : 0;
        return new ShapeText(new Shape(sizes), channels, settings);
    }

    [GeneratedRegex(@"^(?<size>\d{1,9})(x(?<size>\d{1,9}))*(->(?<out>\d{1,6}))?(\s+(?<name>[a-z]+)\s+(?<value>\d{1,6}))*$")]
    private static partial Regex Pattern();
}
