using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>The random numbers of one operation on one sample, numbered from 0: operations do not shift each other's numbers.</summary>
internal readonly struct Draws(RandomKey key, ulong first)
{
    /// <summary>Uniform in [low, high).</summary>
    public float Between(uint number, double low, double high) => (float)(low + (high - low) * key.Uniform(first + number));

    /// <summary>The four standard normal numbers of block <paramref name="block"/>, by Box-Muller: one Philox block yields them
    /// all.</summary>
    public void Normals(int block, Span<float> four)
    {
        (uint a, uint b, uint c, uint d) = key.Bits(first + (1UL << 32) + (uint)block);
        Pair(a, b, four);
        Pair(c, d, four[2..]);
    }

    private static void Pair(uint a, uint b, Span<float> two)
    {
        double radius = Math.Sqrt(-2 * Math.Log((a + 1.0) / 4294967296.0));
        (double sine, double cosine) = Math.SinCos(2 * Math.PI * (b / 4294967296.0));
        two[0] = (float)(radius * cosine);
        two[1] = (float)(radius * sine);
    }
}
