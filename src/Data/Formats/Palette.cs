namespace CsUnet.Data.Formats;

/// <summary>A file's table of colours, 8 bits per channel.</summary>
/// <param name="colours">The colour of each index.</param>
/// <param name="alphas">The opacity of the first indices, 255 = opaque; the others are opaque.</param>
internal sealed class Palette(Rgb[] colours, byte[] alphas)
{
    // A scale of fewer steps cannot be told from a list of colours, and a micrograph has more levels.
    private const int ShortestScale = 64;

    // Scales of colour (fire, spectrum, jet, 16 colours in blocks) have mean steps of 1 to 8 levels, palettes of real colours 30 or more.
    private const double LargestMeanStep = 12;

    /// <summary>The colour of each index.</summary>
    public Rgb[] Colours { get; } = colours;

    /// <summary>Whether an index may be transparent.</summary>
    public bool HasTransparency => alphas.AsSpan().ContainsAnyExcept((byte)255);

    /// <summary>Whether all colours are grey.</summary>
    public bool IsGrey => Colours.All(colour => colour.IsGrey);

    /// <summary>
    /// Whether the table is a colour scale over samples (a look-up table) and not a list of a picture's colours: it has at least 64
    /// entries, and from one to the next the channel that changes most changes by at most 12 of 255 levels on average. Equal entries at
    /// the end, with which programs fill a table, do not count.
    /// </summary>
    public bool IsColourScale
    {
        get
        {
            int count = Colours.Length;
            while (count > 1 && Colours[count - 1] == Colours[count - 2])
                count--;
            long path = 0;
            for (int i = 1; i < count; i++)
                path += Math.Max(Math.Abs(Colours[i].R - Colours[i - 1].R),
                    Math.Max(Math.Abs(Colours[i].G - Colours[i - 1].G), Math.Abs(Colours[i].B - Colours[i - 1].B)));
            return count >= ShortestScale && path <= LargestMeanStep * (count - 1);
        }
    }

    /// <summary>The opacity of an index.</summary>
    public byte Alpha(int index) => index < alphas.Length ? alphas[index] : (byte)255;
}
