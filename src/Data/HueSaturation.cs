namespace CsUnet.Data;

/// <summary>Shifts of hue, saturation and value; a grey image has the value only.</summary>
/// <param name="Hue">Largest shift of the hue, in degrees.</param>
/// <param name="Saturation">Largest shift of the saturation, in levels of 0..255.</param>
/// <param name="Value">Largest shift of the value, in levels of 0..255.</param>
public sealed record HueSaturation(double Hue, double Saturation, double Value) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws)
    {
        float hue = draws.Between(0, -Hue, Hue), saturation = draws.Between(1, -Saturation, Saturation) / 255,
            value = draws.Between(2, -Value, Value);
        Span<float> levels = buffer.Used;
        if (buffer.Channels == 1)
            foreach (ref float level in levels)
                level += value;
        else
            for (int i = 0; i < levels.Length; i += 3)
                Shift(levels.Slice(i, 3), hue, saturation, value);
        buffer.Clip();
    }

    // HSV by its definition: value = max, saturation = (max - min) / max, hue = position on the hexagon.
    private static void Shift(Span<float> pixel, float hueShift, float saturationShift, float valueShift)
    {
        (float r, float g, float b) = (pixel[0], pixel[1], pixel[2]);
        float max = MathF.Max(r, MathF.Max(g, b)), spread = max - MathF.Min(r, MathF.Min(g, b));
        float value = Math.Clamp(max + valueShift, 0, 255);
        // A grey pixel has no hue, so saturation cannot change it.
        if (spread == 0)
        {
            pixel.Fill(value);
            return;
        }
        float sector = max == r ? (g - b) / spread : max == g ? 2 + (b - r) / spread : 4 + (r - g) / spread;
        sector = ((sector + hueShift / 60) % 6 + 6) % 6;
        float saturation = Math.Clamp(spread / max + saturationShift, 0, 1), floor = value * (1 - saturation);
        for (int c = 0; c < 3; c++)
        {
            float distance = MathF.Abs(sector - 2 * c);
            distance = MathF.Min(distance, 6 - distance);
            pixel[c] = floor + (value - floor) * Math.Clamp(2 - distance, 0, 1);
        }
    }

    internal override string ToYaml() => $"{{op: hue_saturation, hue: {F(Hue)}, saturation: {F(Saturation)}, value: {F(Value)}}}";
}
