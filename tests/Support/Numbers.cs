using CsUnet.Tensors;

namespace CsUnet.Tests.Support;

/// <summary>Seeded random numbers, and comparisons that name the worst element.</summary>
internal static class Numbers
{
    public static Tensor Random(Shape shape, DType type, uint seed)
    {
        Tensor tensor = Tensor.Empty(shape, type);
        var key = new RandomKey(17, 0, seed);
        for (long i = 0; i < tensor.Count; i++)
            tensor[i] = key.Uniform((ulong)i) * 2 - 1;
        return tensor;
    }

    /// <summary>Keeps tensors alive, and their memory allocated, while only pointers to them are in use.</summary>
    public static void KeepAlive(params Tensor[] tensors) => GC.KeepAlive(tensors);

    public static void AssertClose(Tensor expected, Tensor actual, double tolerance, string what, double offset = 0)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        double worst = 0;
        long at = -1;
        for (long i = 0; i < expected.Count; i++)
        {
            double error = Math.Abs(actual[i] - offset - expected[i]) / Math.Max(1, Math.Abs(expected[i]));
            if (error > worst || double.IsNaN(error))
            {
                worst = double.IsNaN(error) ? double.PositiveInfinity : error;
                at = i;
            }
        }
        Assert.True(worst <= tolerance,
            $"{what}: largest error {worst:E2} at {at} ({worst / tolerance:P0} of {tolerance:E1}): "
            + (at < 0 ? "" : $"{actual[at]}, expected {expected[at]} + {offset}"));
    }

    public static void AssertSameBits(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal((expected.Shape, expected.DType), (actual.Shape, actual.DType));
        unsafe
        {
            Assert.True(
                new ReadOnlySpan<byte>(expected.RawPointer, (int)expected.Bytes).SequenceEqual(
                    new ReadOnlySpan<byte>(actual.RawPointer, (int)actual.Bytes)),
                $"{what}: bits differ");
        }
        KeepAlive(expected, actual);
    }
}
