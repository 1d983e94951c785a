using CsUnet.Data;

namespace CsUnet.Tests.Data;

/// <summary>The range of samples that becomes levels: how it is found and applied.</summary>
public sealed class IntensityRuleTests
{
    private static readonly ushort[] s_twelve = [.. Enumerable.Range(0, 4096).Select(i => (ushort)(200 + i * 3000 / 4095))];

    [Fact]
    public void Eight_bit_samples_stay_as_they_are()
    {
        byte[] samples = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];
        RawImage raw = RawImage.Create(samples, 16, 16, 1);
        Assert.Same(samples, IntensityRange.FullOf(8).Apply(raw).Pixels);
        Assert.Same(samples, IntensityScale.Full.Apply(raw, "a").Pixels);
        Assert.Equal(IntensityRange.FullOf(8), Find(IntensityRule.Auto, RawImage.Create([3, 4, 5, 6], 2, 2, 1)));
    }

    [Fact]
    public void The_full_range_of_16_bits_divides_by_257()
    {
        ushort[] samples = [.. Enumerable.Range(0, 65536).Select(value => (ushort)value)];
        Assert.Equal(samples.Select(value => (byte)((value + 128) / 257)),
            IntensityRange.FullOf(16).Apply(RawImage.Create(samples, 256, 256, 1)).Pixels);
    }

    [Theory]
    [InlineData(1, new byte[] { 0, 1 }, new byte[] { 0, 255 })]
    [InlineData(4, new byte[] { 0, 1, 15 }, new byte[] { 0, 17, 255 })]
    public void Few_bits_fill_the_levels(int bits, byte[] samples, byte[] levels) => Assert.Equal(levels,
        IntensityScale.Full.Apply(RawImage.Create(samples, 1, samples.Length, 1, bits), "a").Pixels);

    [Fact]
    public void Levels_are_rounded_and_clamped()
    {
        var range = new IntensityRange(-1, 1);
        float[] samples = [-9, -1, 0, 1, 9, float.NaN, float.PositiveInfinity, float.NegativeInfinity];
        Assert.Equal(new byte[] { 0, 0, 128, 255, 255, 0, 255, 0 }, range.Apply(RawImage.Create(samples, 1, 8, 1)).Pixels);
        RawImage raw = RawImage.Create([99, 100, 150, 255], 2, 2, 1);
        Assert.Equal(new byte[] { 0, 0, 128, 255 }, new IntensityRange(100, 200).Apply(raw).Pixels);
    }

    [Fact]
    public void Twelve_bits_in_16_are_found()
    {
        RawImage raw = Words(s_twelve);
        Assert.Equal(new IntensityRange(0, 4095), Find(IntensityRule.Auto, raw));
        Assert.Equal(new IntensityRange(0, 65535), Find(IntensityRule.Full, raw));
        Assert.Equal(new IntensityRange(200, 3200), Find(IntensityRule.Range, raw));
        IntensityRange percentile = Find(IntensityRule.Percentile, raw);
        Assert.InRange(percentile.Low, 201, 204);
        Assert.InRange(percentile.High, 3196, 3199);
        Assert.Equal(new IntensityRange(5, 6), Find(IntensityRule.Of(new IntensityRange(5, 6)), raw));
    }

    [Fact]
    public void An_outlier_decides_nothing()
    {
        ushort[] samples = [.. s_twelve];
        samples[77] = 65535;
        RawImage raw = Words(samples);
        Assert.Equal(new IntensityRange(0, 4095), Find(IntensityRule.Auto, raw));
        Assert.Equal(new IntensityRange(200, 65535), Find(IntensityRule.Range, raw));
        Assert.Equal(255, new IntensityScale(new Dictionary<int, IntensityRange> { [16] = new(0, 4095) }).Apply(raw, "a").Pixels[77]);
    }

    // 14 bits; a part of the detector's range; all of it; no noise; one value.
    [Theory]
    [InlineData(100, 16000, 0, 16383)]
    [InlineData(30000, 34000, 30000, 34000)]
    [InlineData(1000, 60000, 0, 65535)]
    [InlineData(0, 255, 0, 255)]
    [InlineData(7, 7, 0, 65535)]
    public void Auto_takes_the_usual_range_that_is_used_or_the_used_one(int low, int high, int from, int to)
    {
        ushort[] samples = [.. Enumerable.Range(0, 4096).Select(i => (ushort)(low + (high - low) * (long)i / 4095))];
        Assert.Equal(new IntensityRange(from, to), Find(IntensityRule.Auto, Words(samples)));
    }

    [Fact]
    public void A_few_pixels_on_an_even_ground_are_no_outliers()
    {
        ushort[] samples = new ushort[4096];
        Array.Fill(samples, (ushort)500);
        samples[5] = samples[6] = 900;
        Assert.Equal(new IntensityRange(500, 900), Find(IntensityRule.Auto, Words(samples)));
    }

    [Theory]
    [InlineData(0, 0.9f, 0, 1)]
    [InlineData(-0.004f, 1.004f, 0, 1)]
    [InlineData(0, 250, 0, 255)]
    [InlineData(10, 4000, 0, 4095)]
    [InlineData(-1000, 3000, -1000, 3000)]
    [InlineData(0.25f, 0.375f, 0.25, 0.375)]
    public void Real_samples_have_usual_ranges_too(float low, float high, double from, double to)
    {
        IntensityRange found = Find(IntensityRule.Auto, Reals(low, high));
        Assert.Equal(from, found.Low, 4);
        Assert.Equal(to, found.High, 4);
    }

    [Fact]
    public void Real_samples_have_a_full_range_only_if_it_is_usual()
    {
        Assert.Equal(new IntensityRange(0, 1), Find(IntensityRule.Full, Reals(0.25f, 0.375f)));
        Assert.Equal(new IntensityRange(0, 255), IntensityScale.Full.RangeOf(Reals(0, 2), "a"));
        Assert.Equal(new IntensityRange(-5, 2), IntensityScale.Full.RangeOf(Reals(-5, 2), "a"));
        Assert.Equal(new byte[] { 0, 0 }, IntensityScale.Full.Apply(RawImage.Create([-7f, -7f], 1, 2, 1), "a").Pixels);
        Assert.Throws<DataException>(() => Find(IntensityRule.Auto, RawImage.Create([float.NaN], 1, 1, 1)));
    }

    [Fact]
    public void A_rule_that_finds_nothing_says_so() => Assert.Contains(
        "set: the intensity rule 'range' finds no range: nearly all samples are 7",
        Assert.Throws<DataException>(() => Find(IntensityRule.Range, RawImage.Create([7, 7], 1, 2, 1))).Message);

    [Fact]
    public void The_numbers_of_bins_are_exact_or_near()
    {
        float[] samples = [.. Enumerable.Range(0, 10_000).Select(i => MathF.ScaleB(1 + i / 10_000f, i % 40 - 20) * (i % 2 == 0 ? 1 : -1))];
        SampleHistogram histogram = SampleHistogram.Of(RawImage.Create(samples, 100, 100, 1));
        float[] sorted = [.. samples.Order()];
        foreach (double share in new[] { 0, 0.001, 0.05, 0.3, 0.5 })
        {
            int rank = (int)(share * sorted.Length);
            Assert.Equal(1, histogram.Lower(share) / sorted[rank], 1e-4);
            Assert.Equal(1, histogram.Upper(share) / sorted[^(rank + 1)], 1e-4);
        }
        Assert.Equal((sorted[0], sorted[^1], 10_000L), (histogram.Minimum, histogram.Maximum, histogram.Count));
    }

    [Fact]
    public void Ignored_pixels_and_rows_do_not_count()
    {
        RawImage raw = RawImage.Create([1, 2, 9, 8, 5, 6], 3, 2, 1);
        byte[] labels = [0, 0, ClassMap.Ignored, 0, 0, ClassMap.Ignored];
        Assert.Equal((1, 8, 4L), Reach(SampleHistogram.Of(raw, labels)));
        Assert.Equal((1, 2, 2L), Reach(SampleHistogram.Of(raw, rows: 1)));
        // A colour is three samples.
        Assert.Equal((5, 8, 3L), Reach(SampleHistogram.Of(RawImage.Create([1, 2, 9, 8, 5, 6], 1, 2, 3), [ClassMap.Ignored, 0])));

        static (double, double, long) Reach(SampleHistogram histogram) => (histogram.Minimum, histogram.Maximum, histogram.Count);
    }

    [Fact]
    public void A_scale_survives_its_text()
    {
        var scale = new IntensityScale(new Dictionary<int, IntensityRange> { [16] = new(0, 4095), [32] = new(-0.1, 1.0 / 3) });
        IntensityScale read = IntensityScale.Parse(scale.ToText());
        Assert.True(scale.MeansTheSame(read));
        Assert.Equal(scale.Ranges, read.Ranges);
        Assert.Equal("16-bit samples 0 to 4095; real samples -0.1 to 0.333333", $"{read}");
        Assert.False(scale.MeansTheSame(IntensityScale.Full));
        Assert.True(IntensityScale.Full.MeansTheSame(IntensityScale.Parse("""{"8":[0,255]}""")));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"16\":[0,4095")]
    [InlineData("{\"16\":null}")]
    [InlineData("{\"16\":[0]}")]
    [InlineData("{\"16\":[5,5]}")]
    [InlineData("{\"17\":[0,1]}")]
    [InlineData("{\"x\":[0,1]}")]
    [InlineData("{\"8\":[0,1],\"08\":[0,2]}")]
    [InlineData("{\"8\":[0,1e999]}")]
    public void A_damaged_scale_is_a_format_error(string text) => Assert.Throws<FormatException>(() => IntensityScale.Parse(text));

    [Fact]
    public void A_picture_that_the_scale_does_not_fit_is_described()
    {
        var twelve = new IntensityScale(new Dictionary<int, IntensityRange> { [16] = new(0, 4095) });
        Assert.Null(twelve.Doubt(Words(s_twelve)));
        Assert.Contains("more than 5 % of the samples are above 4095",
            twelve.Doubt(Words([.. s_twelve.Select(value => (ushort)(value * 3))])));
        Assert.Contains("nearly all samples are 3 to 49, less than a tenth of the intensity range 0 to 4095",
            twelve.Doubt(Words([.. s_twelve.Select(value => (ushort)(value / 64))])));
        Assert.Contains("it has 8-bit samples, the training images have 16-bit ones",
            twelve.Doubt(RawImage.Create([0, 255], 1, 2, 1)));
        Assert.Contains("more than 5 % of the samples are below 1000", new IntensityScale(
            new Dictionary<int, IntensityRange> { [16] = new(1000, 4095) }).Doubt(Words(s_twelve)));
        Assert.Contains("1 samples are NaN or infinite", IntensityScale.Full.Doubt(RawImage.Create([0, float.NaN, 1], 1, 3, 1)));
        Assert.Null(IntensityScale.Full.Doubt(Reals(0, 1)));
        // The data bar below the first rows is not looked at.
        ushort[] withBar = [.. s_twelve, .. Enumerable.Repeat((ushort)65535, 1024)];
        Assert.NotNull(twelve.Doubt(RawImage.Create(withBar, 80, 64, 1)));
        Assert.Null(twelve.Doubt(RawImage.Create(withBar, 80, 64, 1), rows: 64));
    }

    [Fact]
    public void A_picture_of_another_type_is_read_by_its_own_range()
    {
        var eight = new IntensityScale(new Dictionary<int, IntensityRange> { [8] = new(0, 255) });
        Assert.Equal(new IntensityRange(0, 4095), eight.RangeOf(Words(s_twelve), "a"));
        // An old weights file names no type: then the full range was meant.
        Assert.Equal(new IntensityRange(0, 65535), IntensityScale.Full.RangeOf(Words(s_twelve), "a"));
    }

    private static IntensityRange Find(IntensityRule rule, RawImage raw) => rule.Find(SampleHistogram.Of(raw), "set");

    private static RawImage Words(ushort[] samples) => RawImage.Create(samples, samples.Length / 64, 64, 1);

    private static RawImage Reals(float low, float high) =>
        RawImage.Create([.. Enumerable.Range(0, 4096).Select(i => low + (high - low) * i / 4095)], 64, 64, 1);
}
