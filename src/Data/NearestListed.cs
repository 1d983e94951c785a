namespace CsUnet.Data;

/// <summary>
/// Finds the listed value or colour that an unlisted one probably was before lossy compression, scaling or smoothing changed it.
/// </summary>
internal static class NearestListed
{
    // Blends of two saturated colours, up to the middle. A grey pixel is at least 128 from a saturated colour, but can be closer to a pale
    // one; masks drawn over a micrograph have greys of their own.
    private const double BlendDistance = 127, GreyDistance = 32;
    // Values that number the classes, such as 1 and 2, are never near each other: a value of intensity differs by up to an eighth.
    private const double ValueFraction = 1 / 8.0;

    /// <summary>The nearest listed value or colour and its class; null if none is near.</summary>
    public static (string Class, MaskValue Listed)? Of(MaskValue value, ClassMap map)
    {
        (string Class, MaskValue Listed)? nearest = null;
        double least = double.MaxValue;
        foreach ((string name, MaskValue listed, bool isColour) in Listed(map))
        {
            double distance = Distance(value, listed);
            if (distance < least && distance <= Reach(value, listed, isColour))
                (least, nearest) = (distance, (name, listed));
        }
        // Between two listed ones only the nearer half belongs to one of them.
        bool isOutside = nearest is { } found && Listed(map).Any(other => other.Name != found.Class
            && least >= Distance(found.Listed, other.Listed) / 2);
        return isOutside ? null : nearest;
    }

    private static IEnumerable<(string Name, MaskValue Listed, bool IsColour)> Listed(ClassMap map)
    {
        foreach (SegmentationClass entry in map.Classes)
        {
            foreach (int value in entry.Values)
                yield return (entry.Name, new MaskValue(value, value, value), false);
            foreach (Rgb colour in entry.Colours)
                yield return (entry.Name, new MaskValue(colour.R, colour.G, colour.B), true);
        }
        foreach (int value in map.IgnoredValues)
            yield return ("ignore", new MaskValue(value, value, value), false);
        foreach (Rgb colour in map.IgnoredColours)
            yield return ("ignore", new MaskValue(colour.R, colour.G, colour.B), true);
    }

    private static double Reach(MaskValue value, MaskValue listed, bool isColour) => isColour
        ? value.IsGrey || listed.IsGrey ? GreyDistance : BlendDistance
        : listed.R * ValueFraction;

    private static double Distance(MaskValue a, MaskValue b)
    {
        double scale = a.Scaled && Math.Max(b.R, Math.Max(b.G, b.B)) <= 255 ? 257 : 1;
        return Math.Max(Math.Abs(a.R / scale - b.R), Math.Max(Math.Abs(a.G / scale - b.G), Math.Abs(a.B / scale - b.B)));
    }
}
