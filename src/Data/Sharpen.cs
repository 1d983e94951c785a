namespace CsUnet.Data;

/// <summary>
/// (1 - strength) level + strength ((9 + lightness) level - sum of the 3x3 neighbourhood): imgaug's Sharpen.
/// </summary>
/// <param name="LowStrength">Smallest weight of the sharpened image.</param>
/// <param name="HighStrength">Largest weight.</param>
/// <param name="LowLightness">Smallest lightness; 1 keeps the mean.</param>
/// <param name="HighLightness">Largest lightness.</param>
public sealed record Sharpen(double LowStrength, double HighStrength, double LowLightness, double HighLightness) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws)
    {
        float strength = draws.Between(0, LowStrength, HighStrength), lightness = draws.Between(1, LowLightness, HighLightness);
        Span<float> sums = buffer.BoxSums(1), levels = buffer.Used;
        for (int i = 0; i < levels.Length; i++)
            levels[i] = (1 - strength) * levels[i] + strength * ((9 + lightness) * levels[i] - sums[i]);
        buffer.Clip();
    }

    internal override string ToYaml() =>
        $"{{op: sharpen, strength: [{F(LowStrength)}, {F(HighStrength)}], lightness: [{F(LowLightness)}, {F(HighLightness)}]}}";
}
