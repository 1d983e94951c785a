namespace CsUnet.Data;

/// <summary>
/// Scales the samples of one picture to 8 bits: of b bits, 0 becomes 0 and 2^b - 1 becomes 255; real samples have no full range, so the
/// picture's smallest becomes 0 and its largest 255 (all 0 if they are equal).
/// </summary>
internal static class FullRange
{
    public static Image Scale(RawImage raw)
    {
        byte[] levels = raw.Bits == 8 && raw.Bytes is { } bytes ? bytes
            : raw.Bytes is { } narrow ? Array.ConvertAll(narrow, value => (byte)Level(value, raw.Bits))
            : raw.Words is { } words ? Array.ConvertAll(words, value => (byte)Level(value, raw.Bits))
            : Scale(raw.Reals!);
        return new Image(levels, raw.Height, raw.Width, raw.Channels) { Notices = raw.Notices };
    }

    // round(255 value / largest); of 16 bits (value + 128) / 257.
    private static int Level(int value, int bits)
    {
        int largest = (1 << bits) - 1;
        return (510 * value + largest) / (2 * largest);
    }

    private static byte[] Scale(float[] reals)
    {
        double low = reals.Min(), range = reals.Max() - low;
        return range > 0
            ? Array.ConvertAll(reals, value => (byte)Math.Round((value - low) / range * 255, MidpointRounding.AwayFromZero))
            : new byte[reals.Length];
    }
}
