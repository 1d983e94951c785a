namespace CsUnet.Data.Formats;

/// <summary>
/// Decoded samples as stored, (H, W, channels). At most 8 bits: bytes; 9 to 16 bits, and masks of wider types: words; otherwise reals.
/// </summary>
internal sealed class SampleData
{
    public SampleData(ImageFacts facts, int channels, bool mask)
    {
        (Height, Width, Channels) = (facts.Height, facts.Width, channels);
        int length = checked((int)((long)Height * Width * channels));
        if (!facts.IsWide && facts.Bits <= 8)
            Bytes = GC.AllocateUninitializedArray<byte>(length);
        else if (!facts.IsWide || mask)
            Words = GC.AllocateUninitializedArray<ushort>(length);
        else
            Reals = GC.AllocateUninitializedArray<float>(length);
    }

    public int Height { get; }

    public int Width { get; }

    public int Channels { get; }

    public byte[]? Bytes { get; }

    public ushort[]? Words { get; }

    public float[]? Reals { get; }
}
