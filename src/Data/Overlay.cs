namespace CsUnet.Data;

/// <summary>Label maps as pictures.</summary>
public static class Overlay
{
    /// <summary>Colour of ignored pixels.</summary>
    public static Rgb IgnoredColour { get; } = new(0, 0, 0);

    /// <summary>The label map in the classes' display colours.</summary>
    /// <param name="labels">(H, W).</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="classMap">Holds the colours.</param>
    /// <exception cref="ArgumentException">The number of labels differs, or one is not a class.</exception>
    public static Image Colour(ReadOnlySpan<byte> labels, int height, int width, ClassMap classMap)
    {
        if (labels.Length != (long)height * width)
            throw new ArgumentException($"Overlay: {labels.Length} labels; expected {height}x{width}", nameof(labels));
        IReadOnlyList<Rgb> palette = classMap.Palette;
        byte[] pixels = new byte[checked(labels.Length * 3)];
        for (int i = 0; i < labels.Length; i++)
        {
            Rgb colour = ColourOf(labels[i], palette);
            (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]) = (colour.R, colour.G, colour.B);
        }
        return new Image(pixels, height, width, 3);
    }

    /// <summary>The label map blended over the micrograph: (1 - opacity) micrograph + opacity colour. Ignored pixels show the
    /// micrograph.</summary>
    /// <param name="image">The micrograph.</param>
    /// <param name="labels">(H, W).</param>
    /// <param name="classMap">Holds the colours.</param>
    /// <param name="opacity">0 to 1.</param>
    /// <param name="clearLabel">A class that stays transparent, such as the background; null for none.</param>
    /// <exception cref="ArgumentException">The number of labels differs, or one is not a class.</exception>
    public static Image Blend(Image image, ReadOnlySpan<byte> labels, ClassMap classMap, double opacity = 0.4, int? clearLabel = null)
    {
        if (labels.Length != (long)image.Height * image.Width)
            throw new ArgumentException($"Overlay: {labels.Length} labels; expected one per pixel of {image}", nameof(labels));
        IReadOnlyList<Rgb> palette = classMap.Palette;
        byte[] pixels = (byte[])image.ToRgb().Pixels.Clone();
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] == ClassMap.Ignored || labels[i] == clearLabel)
                continue;
            Rgb colour = ColourOf(labels[i], palette);
            pixels[3 * i] = Mix(pixels[3 * i], colour.R, opacity);
            pixels[3 * i + 1] = Mix(pixels[3 * i + 1], colour.G, opacity);
            pixels[3 * i + 2] = Mix(pixels[3 * i + 2], colour.B, opacity);
        }
        return new Image(pixels, image.Height, image.Width, 3);
    }

    private static Rgb ColourOf(byte label, IReadOnlyList<Rgb> palette) => label < palette.Count ? palette[label]
        : label == ClassMap.Ignored ? IgnoredColour
        : throw new ArgumentException($"Overlay: label {label}; expected below {palette.Count}, or {ClassMap.Ignored}");

    private static byte Mix(byte below, byte above, double opacity) => (byte)(below + (above - below) * opacity + 0.5);
}
