using System.Numerics;

namespace CsUnet.Data;

/// <summary>
/// The signs of second differences of a picture's block means along the rows. They survive lossy compression, other brightness or contrast
/// and moderate scaling; uneven light has none; two pictures of one material agree in half of them.
/// </summary>
internal sealed class PictureFingerprint
{
    private const int LeastSide = 32, PixelsPerBlock = 4, RowsPerBlock = 16, MostBlocks = 32, LeastCommon = 80;
    private const double LeastAgreement = 0.95, LeastShare = 0.4, SidesTolerance = 0.02;

    private readonly ulong[] _signs;
    // A difference near 0 has no reliable sign.
    private readonly ulong[] _isCertain;
    private readonly int _blocks;
    private readonly double _aspect;

    private PictureFingerprint(double[] differences, int blocks, double aspect)
    {
        (_blocks, _aspect) = (blocks, aspect);
        _signs = new ulong[(differences.Length + 63) / 64];
        _isCertain = new ulong[_signs.Length];
        double[] sizes = [.. differences.Select(Math.Abs).Order()];
        double threshold = sizes[sizes.Length / 2] / 2;
        for (int i = 0; i < differences.Length; i++)
        {
            if (differences[i] > 0)
                _signs[i / 64] |= 1UL << i % 64;
            if (Math.Abs(differences[i]) > threshold)
                _isCertain[i / 64] |= 1UL << i % 64;
        }
    }

    /// <summary>The fingerprint of a picture; null if it is too small for one.</summary>
    public static PictureFingerprint? Of(RawImage image)
    {
        int blocks = Math.Min(MostBlocks, Math.Min(image.Height, image.Width) / PixelsPerBlock);
        if (Math.Min(image.Height, image.Width) < LeastSide)
            return null;
        double[] means = image switch
        {
            { Bytes: { } bytes } => Means<byte>(image, bytes, blocks),
            { Words: { } words } => Means<ushort>(image, words, blocks),
            _ => Means<float>(image, image.Reals, blocks),
        };
        double[] differences = new double[blocks * (blocks - 2)];
        for (int y = 0, i = 0; y < blocks; y++)
            for (int x = 1; x + 1 < blocks; x++, i++)
                differences[i] = means[y * blocks + x - 1] - 2 * means[y * blocks + x] + means[y * blocks + x + 1];
        return new PictureFingerprint(differences, blocks, (double)image.Width / image.Height);
    }

    /// <summary>Whether two pictures show the same.</summary>
    public bool IsLike(PictureFingerprint other)
    {
        if (_blocks != other._blocks || Math.Abs(_aspect - other._aspect) > SidesTolerance * _aspect)
            return false;
        int common = 0, equal = 0;
        for (int i = 0; i < _signs.Length; i++)
        {
            ulong certain = _isCertain[i] & other._isCertain[i];
            common += BitOperations.PopCount(certain);
            equal += BitOperations.PopCount(certain & ~(_signs[i] ^ other._signs[i]));
        }
        return common >= Math.Max(LeastCommon, LeastShare * _blocks * (_blocks - 2)) && equal >= LeastAgreement * common;
    }

    private static double[] Means<T>(RawImage image, ReadOnlySpan<T> samples, int blocks) where T : INumberBase<T>
    {
        int height = image.Height, width = image.Width, channels = image.Channels;
        double[] means = new double[blocks * blocks];
        for (int by = 0; by < blocks; by++)
        {
            int top = (int)((long)by * height / blocks), bottom = (int)((long)(by + 1) * height / blocks);
            for (int bx = 0; bx < blocks; bx++)
            {
                int left = (int)((long)bx * width / blocks), right = (int)((long)(bx + 1) * width / blocks);
                double sum = 0;
                // Some rows of a large block are enough for its mean.
                int step = Math.Max(1, (bottom - top) / RowsPerBlock), rows = 0;
                for (int y = top; y < bottom; y += step, rows++)
                    sum += Sum(samples.Slice((y * width + left) * channels, (right - left) * channels));
                means[by * blocks + bx] = sum / (rows * (double)(right - left));
            }
        }
        return means;
    }

    private static double Sum<T>(ReadOnlySpan<T> samples) where T : INumberBase<T>
    {
        if (typeof(T) == typeof(float))
        {
            double real = 0;
            foreach (T sample in samples)
                real += double.CreateTruncating(sample);
            return real;
        }
        long sum = 0;
        foreach (T sample in samples)
            sum += long.CreateTruncating(sample);
        return sum;
    }
}
