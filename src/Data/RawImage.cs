namespace CsUnet.Data;

/// <summary>
/// A picture with the samples of its file, before they are scaled to the levels 0 to 255 of an <see cref="Image"/>: (H, W, C), channels
/// interleaved, C = 1 (grey) or 3 (red, green, blue). One of the three arrays holds the samples.
/// </summary>
public sealed class RawImage
{
    private RawImage(int height, int width, int channels, int bits, int length)
    {
        if (height < 1 || width < 1 || channels is not (1 or 3) || length != (long)height * width * channels)
            throw new ArgumentException($"RawImage: {length} samples for {height}x{width} pixels of {channels} channels");
        (Height, Width, Channels, Bits) = (height, width, channels, bits);
    }

    /// <summary>A picture of 8-bit samples.</summary>
    public static RawImage Create(byte[] samples, int height, int width, int channels, int bits = 8) =>
        new(height, width, channels, bits, samples.Length) { Bytes = samples };

    /// <summary>A picture of 16-bit samples.</summary>
    public static RawImage Create(ushort[] samples, int height, int width, int channels, int bits = 16) =>
        new(height, width, channels, bits, samples.Length) { Words = samples };

    /// <summary>A picture of real samples: floating-point files, and whole numbers wider than 16 bits or with a sign.</summary>
    public static RawImage Create(float[] samples, int height, int width, int channels) =>
        new(height, width, channels, 32, samples.Length) { Reals = samples };

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Number of channels: 1 or 3.</summary>
    public int Channels { get; }

    /// <summary>
    /// Bits per sample that the file states: 1 to 16 for unsigned whole numbers (a sample is at most 2^Bits - 1), 32 for real samples,
    /// which have no full range.
    /// </summary>
    public int Bits { get; }

    /// <summary>Samples of at most 8 bits; null if the file's are wider.</summary>
    public byte[]? Bytes { get; private init; }

    /// <summary>Samples of 9 to 16 bits; null for other files.</summary>
    public ushort[]? Words { get; private init; }

    /// <summary>Real samples; null for other files.</summary>
    public float[]? Reals { get; private init; }

    /// <summary>
    /// What a user should know about how the file was read, for example that it has samples of unknown meaning; a sentence each, without
    /// the file's name. Files of one kind give equal texts.
    /// </summary>
    public IReadOnlyList<string> Notices { get; internal set; } = [];
}
