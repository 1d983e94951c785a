using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace CsUnet.Data;

/// <summary>What the check of a set keeps of one picture and its mask: no pixels.</summary>
public sealed record ImageSummary
{
    /// <summary>The picture's file, or its name if it is in memory.</summary>
    public required string File { get; init; }

    /// <summary>Rows.</summary>
    public required int Height { get; init; }

    /// <summary>Columns.</summary>
    public required int Width { get; init; }

    /// <summary>Bits per sample; 32 for real samples.</summary>
    public required int Bits { get; init; }

    /// <summary>Whether the picture has a colour; grey stored as RGB has none.</summary>
    public required bool IsColour { get; init; }

    /// <summary>The least sample of all channels.</summary>
    public required double Minimum { get; init; }

    /// <summary>The greatest sample of all channels.</summary>
    public required double Maximum { get; init; }

    /// <summary>Mean of the samples.</summary>
    public required double Mean { get; init; }

    /// <summary>Standard deviation of the samples.</summary>
    public required double Deviation { get; init; }

    /// <summary>Side of a pixel in micrometres, if the file states it; otherwise null.</summary>
    public double? PixelSize { get; init; }

    /// <summary>A hash of the decoded picture: equal for equal pixels, whatever the format, and for grey stored as RGB.</summary>
    public required UInt128 ContentHash { get; init; }

    /// <summary>A hash of the labels.</summary>
    public required UInt128 LabelHash { get; init; }

    /// <summary>What a copy of the picture in another compression shares with it; null if the picture is too small.</summary>
    internal PictureFingerprint? Fingerprint { get; init; }

    /// <summary>Summarises a picture and its labels.</summary>
    /// <param name="file">The picture's file or name.</param>
    /// <param name="image">The samples.</param>
    /// <param name="labels">(H, W).</param>
    internal static ImageSummary Of(string file, RawImage image, byte[] labels)
    {
        (double minimum, double maximum, double mean, double deviation) = image switch
        {
            { Bytes: { } bytes } => Statistics(bytes),
            { Words: { } words } => Statistics(words),
            _ => Statistics(image.Reals!),
        };
        UInt128 content = Hash(image, out bool isColour);
        return new ImageSummary
        {
            File = file, Height = image.Height, Width = image.Width, Bits = image.Bits, IsColour = isColour, Minimum = minimum,
            Maximum = maximum, Mean = mean, Deviation = deviation, ContentHash = content,
            LabelHash = Hash(labels, image.Height, image.Width, 1), Fingerprint = PictureFingerprint.Of(image),
        };
    }

    private static unsafe (double, double, double, double) Statistics(byte[] samples)
    {
        // Neighbours are often equal, and adding to one counter again must wait for the first time: two counters take turns.
        const int levels = 256;
        long[] histogram = new long[levels], odd = new long[levels];
        fixed (byte* sample = samples)
        fixed (long* even = histogram, other = odd)
        {
            for (int i = 0; i + 1 < samples.Length; i += 2)
            {
                even[sample[i]]++;
                other[sample[i + 1]]++;
            }
            if (samples.Length % 2 == 1)
                even[sample[samples.Length - 1]]++;
        }
        for (int value = 0; value < levels; value++)
            histogram[value] += odd[value];
        return Statistics(histogram);
    }

    private static (double, double, double, double) Statistics(ushort[] samples)
    {
        long[] histogram = new long[65536];
        foreach (ushort sample in samples)
            histogram[sample]++;
        return Statistics(histogram);
    }

    private static (double, double, double, double) Statistics(long[] histogram)
    {
        double count = 0, sum = 0, squares = 0;
        for (int value = 0; value < histogram.Length; value++)
        {
            count += histogram[value];
            sum += (double)value * histogram[value];
        }
        double mean = sum / count;
        for (int value = 0; value < histogram.Length; value++)
            squares += (value - mean) * (value - mean) * histogram[value];
        return (Array.FindIndex(histogram, pixels => pixels > 0), Array.FindLastIndex(histogram, pixels => pixels > 0), mean,
            Math.Sqrt(squares / count));
    }

    private static (double, double, double, double) Statistics(float[] samples)
    {
        double minimum = double.MaxValue, maximum = double.MinValue, sum = 0, squares = 0;
        long count = 0;
        // Samples that are no numbers mark places without a measurement.
        foreach (float sample in samples)
        {
            if (!float.IsFinite(sample))
                continue;
            minimum = Math.Min(minimum, sample);
            maximum = Math.Max(maximum, sample);
            sum += sample;
            count++;
        }
        if (count == 0)
            return (0, 0, 0, 0);
        double mean = sum / count;
        foreach (float sample in samples)
            squares += float.IsFinite(sample) ? (sample - mean) * (sample - mean) : 0;
        return (minimum, maximum, mean, Math.Sqrt(squares / count));
    }

    /// <summary>Hashes a picture by the least number of bits that holds it, so that copies of it in a wider type are equal to it.</summary>
    private static UInt128 Hash(RawImage image, out bool isColour)
    {
        int height = image.Height, width = image.Width, channels = image.Channels;
        ReadOnlySpan<byte> bytes = image switch
        {
            { Bytes: { } narrow } => Grey<byte>(narrow, channels, out channels),
            { Words: { } words } => Narrow(Grey<ushort>(words, channels, out channels)),
            _ => MemoryMarshal.AsBytes(Grey<float>(image.Reals, channels, out channels)),
        };
        isColour = channels == 3;
        return Hash(bytes, height, width, channels);
    }

    /// <summary>One channel of samples whose three channels are equal; otherwise the samples.</summary>
    private static ReadOnlySpan<T> Grey<T>(ReadOnlySpan<T> samples, int channels, out int left) where T : IEquatable<T>
    {
        left = channels;
        if (channels == 1)
            return samples;
        for (int i = 0; i + 2 < samples.Length; i += 3)
            if (!samples[i].Equals(samples[i + 1]) || !samples[i].Equals(samples[i + 2]))
                return samples;
        left = 1;
        T[] grey = new T[samples.Length / 3];
        for (int i = 0; i < grey.Length; i++)
            grey[i] = samples[3 * i];
        return grey;
    }

    /// <summary>The 8-bit samples of which 16-bit samples are the 257-fold; the bytes of the samples if they are not.</summary>
    private static ReadOnlySpan<byte> Narrow(ReadOnlySpan<ushort> samples)
    {
        foreach (ushort sample in samples)
            if (sample % 257 != 0)
                return MemoryMarshal.AsBytes(samples);
        byte[] narrow = new byte[samples.Length];
        for (int i = 0; i < narrow.Length; i++)
            narrow[i] = (byte)(samples[i] / 257);
        return narrow;
    }

    private static UInt128 Hash(ReadOnlySpan<byte> bytes, int height, int width, int channels)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<int> shape = [height, width, channels];
        hash.AppendData(MemoryMarshal.AsBytes(shape));
        hash.AppendData(bytes);
        Span<byte> digest = stackalloc byte[32];
        hash.GetHashAndReset(digest);
        return MemoryMarshal.Read<UInt128>(digest);
    }
}
