namespace CsUnet.Data;

/// <summary>What is kept of the samples of one picture: enough to judge whether an intensity range fits it.</summary>
/// <param name="Bits">The sample type: <see cref="RawImage.Bits"/>.</param>
/// <param name="Count">Counted samples.</param>
/// <param name="NotFinite">Samples that are NaN or infinite.</param>
/// <param name="Low">0.1 % of the samples are below.</param>
/// <param name="FifthLow">5 % of the samples are below.</param>
/// <param name="FifthHigh">5 % of the samples are above.</param>
/// <param name="High">0.1 % of the samples are above.</param>
internal readonly record struct SampleStatistics(
    int Bits, long Count, long NotFinite, double Low, double FifthLow, double FifthHigh, double High)
{
    /// <summary>The share of the samples that counts as "many" when they lie outside of a range.</summary>
    public const double Many = 0.05;

    /// <summary>The statistics of a histogram.</summary>
    public static SampleStatistics Of(SampleHistogram histogram) => new(
        histogram.Bits, histogram.Count, histogram.NotFinite, histogram.Lower(IntensityRule.Tail), histogram.Lower(Many),
        histogram.Upper(Many), histogram.Upper(IntensityRule.Tail));
}
