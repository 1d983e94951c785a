namespace CsUnet.Data;

/// <summary>level x contrast + brightness, both drawn uniformly.</summary>
/// <param name="Brightness">The largest shift up or down, in levels of 0..255.</param>
/// <param name="LowContrast">Smallest factor.</param>
/// <param name="HighContrast">Largest factor.</param>
public sealed record BrightnessContrast(double Brightness, double LowContrast, double HighContrast) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws)
    {
        float shift = draws.Between(0, -Brightness, Brightness), contrast = draws.Between(1, LowContrast, HighContrast);
        foreach (ref float level in buffer.Used)
            level = level * contrast + shift;
        buffer.Clip();
    }

    internal override string ToYaml() =>
        $"{{op: brightness_contrast, brightness: {F(Brightness)}, contrast: [{F(LowContrast)}, {F(HighContrast)}]}}";
}
