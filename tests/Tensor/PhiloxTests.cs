using CsUnet.Tensors;

namespace CsUnet.Tests;

public sealed class PhiloxTests
{
    // The known answers published by Salmon et al. with their Random123 library (philox4x32-10).
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu,
        0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u,
        0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Gives_the_published_numbers(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint a, uint b, uint c, uint d) =>
        Assert.Equal((a, b, c, d), Philox.Block(c0, c1, c2, c3, k0, k1));

    [Fact]
    public void Every_part_of_the_key_matters()
    {
        RandomKey[] keys = [new(1, 2, 3), new(0, 2, 3), new(1UL << 32 | 1, 2, 3), new(1, 0, 3), new(1, 2, 0)];
        Assert.Equal(keys.Length, keys.Select(key => key.Bits(5)).Distinct().Count());
        Assert.NotEqual(keys[0].Bits(5), keys[0].Bits(5 + (1UL << 32)));
        Assert.Equal(keys[0].Bits(5), new RandomKey(1, 2, 3).Bits(5));
    }

    [Fact]
    public void Uniform_numbers_fill_their_range()
    {
        var key = new RandomKey(11, 0, 0);
        double[] numbers = [.. Enumerable.Range(0, 20000).Select(i => key.Uniform((ulong)i))];
        Assert.All(numbers, number => Assert.InRange(number, 0, 1 - Math.Pow(2, -24)));
        Assert.All(numbers, number => Assert.Equal(number, (float)number));
        // The mean of n uniform numbers has a standard deviation of 0.289 / sqrt(n) = 0.002.
        Assert.InRange(numbers.Average(), 0.49, 0.51);
    }

    [Fact]
    public void Normal_numbers_have_mean_0_and_variance_1()
    {
        var key = new RandomKey(11, 0, 1);
        double[] numbers = [.. Enumerable.Range(0, 20000).Select(i => key.Normal((ulong)i))];
        Assert.All(numbers, number => Assert.True(double.IsFinite(number)));
        Assert.InRange(numbers.Average(), -0.035, 0.035);
        Assert.InRange(numbers.Average(number => number * number), 0.95, 1.05);
    }

    [Fact]
    public void Integers_reach_every_value_below_the_bound_and_no_other()
    {
        var key = new RandomKey(11, 0, 2);
        int[] counts = new int[7];
        for (ulong i = 0; i < 7000; i++)
            counts[key.Integer(i, counts.Length)]++;
        Assert.All(counts, count => Assert.InRange(count, 850, 1150));
    }
}
