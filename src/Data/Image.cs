namespace CsUnet.Data;

/// <summary>An image of 8 bits per sample: (H, W, C), channels interleaved, C = 1 (grey) or 3 (red, green, blue).</summary>
public sealed class Image
{
    /// <summary>Wraps pixels without copying them.</summary>
    /// <param name="pixels">(H, W, C), row-major.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="channels">1 or 3.</param>
    /// <exception cref="ArgumentException">The number of bytes is not height x width x channels, or channels is not 1 or 3.
    /// </exception>
    public Image(byte[] pixels, int height, int width, int channels)
    {
        if (height < 1 || width < 1 || channels is not (1 or 3) || pixels.LongLength != (long)height * width * channels)
        {
            throw new ArgumentException(
                $"Image: {pixels.Length} bytes for {height}x{width} pixels of {channels} channels; expected one byte per sample and 1 or 3 "
                    + $"channels",
                nameof(pixels));
        }
        Pixels = pixels;
        Height = height;
        Width = width;
        Channels = channels;
    }

    /// <summary>The samples, (H, W, C).</summary>
    public byte[] Pixels { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Number of channels: 1 or 3.</summary>
    public int Channels { get; }

    /// <summary>What a user should know about how the file was read (<see cref="RawImage.Notices"/>).</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary>Sample [y, x, channel].</summary>
    public byte this[int y, int x, int channel = 0] => Pixels[((long)y * Width + x) * Channels + channel];

    /// <summary>Whether every pixel's channels are equal, as in most micrographs stored as RGB.</summary>
    public bool IsGrey()
    {
        if (Channels == 1)
            return true;
        ReadOnlySpan<byte> pixels = Pixels;
        for (int i = 0; i + 2 < pixels.Length; i += 3)
            if (pixels[i] != pixels[i + 1] || pixels[i] != pixels[i + 2])
                return false;
        return true;
    }

    /// <summary>The same picture in one channel if it is grey (a third of the memory and of the augmentation's work), else this
    /// image.</summary>
    public Image Compact()
    {
        if (Channels == 1 || !IsGrey())
            return this;
        byte[] grey = new byte[Pixels.Length / 3];
        for (int i = 0; i < grey.Length; i++)
            grey[i] = Pixels[3 * i];
        return new Image(grey, Height, Width, 1) { Notices = Notices };
    }

    /// <summary>The same picture in three channels; this image if it has three.</summary>
    public Image ToRgb()
    {
        if (Channels == 3)
            return this;
        byte[] colour = new byte[checked(Pixels.Length * 3)];
        for (int i = 0; i < Pixels.Length; i++)
            colour[3 * i] = colour[3 * i + 1] = colour[3 * i + 2] = Pixels[i];
        return new Image(colour, Height, Width, 3) { Notices = Notices };
    }

    /// <summary>The first rows of this picture, as a copy.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many rows, or none is left.</exception>
    public Image Top(int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, Height);
        return new Image(Pixels[..(rows * Width * Channels)], rows, Width, Channels) { Notices = Notices };
    }

    /// <summary>
    /// Index of the pixel at position <paramref name="i"/> of a line of <paramref name="length"/> pixels that is padded by
    /// reflection about its end pixels (…2 1 | 0 1 2 … n-1 | n-2…).
    /// </summary>
    public static int Reflect(int i, int length)
    {
        if ((uint)i < (uint)length)
            return i;
        if (length == 1)
            return 0;
        int period = 2 * (length - 1);
        int phase = (i % period + period) % period;
        return phase < length ? phase : period - phase;
    }

    /// <summary>For example <c>512x640x3</c>: height, width, channels.</summary>
    public override string ToString() => $"{Height}x{Width}x{Channels}";
}
