namespace CsUnet.Data;

/// <summary>Contrast-limited adaptive histogram equalisation of the brightness (Zuiderveld, Graphics Gems IV, 1994).</summary>
/// <param name="LowClip">Smallest clip limit, in multiples of a flat histogram's height.</param>
/// <param name="HighClip">Largest clip limit.</param>
/// <param name="Tiles">Tiles along each side; fewer if they would be under 32 pixels, whose histograms are mostly noise.</param>
public sealed record Clahe(double LowClip, double HighClip, int Tiles) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws) =>
        HistogramEqualisation.Apply(buffer, draws.Between(0, LowClip, HighClip), Tiles);

    internal override string ToYaml() => $"{{op: clahe, clip: [{F(LowClip)}, {F(HighClip)}], tiles: {Tiles}}}";
}
