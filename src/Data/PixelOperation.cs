using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>A change of grey levels or colours that leaves every pixel in its place; results are clipped to 0..255.</summary>
public abstract record PixelOperation
{
    /// <summary>Changes the pixels, as a function of them and of <paramref name="draws"/> only.</summary>
    internal abstract void Apply(PixelBuffer buffer, Draws draws);

    /// <summary>The operation as a YAML mapping on one line.</summary>
    internal abstract string ToYaml();

    /// <summary>Reads <c>{op: NAME, ...}</c>.</summary>
    /// <exception cref="DataException">The name or a parameter is unknown or out of range.</exception>
    internal static PixelOperation FromYaml(YamlSection section)
    {
        string name = section.Text("op");
        switch (name)
        {
            case "noise":
                section.Allow("op", "sigma");
                (double low, double high) = section.Range("sigma", 0, 255);
                return new Noise(low, high);
            case "brightness_contrast":
                section.Allow("op", "brightness", "contrast");
                (low, high) = section.Range("contrast", 0, 10, (1, 1));
                return new BrightnessContrast(section.Number("brightness", 0, 255, 0), low, high);
            case "gamma":
                section.Allow("op", "exponent");
                (low, high) = section.Range("exponent", 0.01, 100);
                return new Gamma(low, high);
            case "clahe":
                section.Allow("op", "clip", "tiles");
                (low, high) = section.Range("clip", 1, 256, (1, 4));
                return new Clahe(low, high, section.Integer("tiles", 1, 64, 8));
            case "blur":
                section.Allow("op", "size");
                int size = section.Integer("size", 1, 31, 3);
                return size % 2 == 1 ? new Blur(size) : throw section.Error("size", $"it is {size}", "an odd number");
            case "sharpen":
                section.Allow("op", "strength", "lightness");
                (low, high) = section.Range("strength", 0, 1);
                (double dark, double light) = section.Range("lightness", 0, 10, (1, 1));
                return new Sharpen(low, high, dark, light);
            case "hue_saturation":
                section.Allow("op", "hue", "saturation", "value");
                return new HueSaturation(section.Number("hue", 0, 180, 0), section.Number("saturation", 0, 255, 0),
                    section.Number("value", 0, 255, 0));
            default:
                throw section.Error("op", $"there is no operation '{name}'",
                    "noise, brightness_contrast, gamma, clahe, blur, sharpen or hue_saturation");
        }
    }

    private protected static string F(double value) => YamlSection.F(value);
}

/// <summary>Gaussian noise, the same on the three channels, since a micrograph's detector has one.</summary>
/// <param name="LowSigma">Smallest standard deviation, in levels of 0..255.</param>
/// <param name="HighSigma">Largest standard deviation; uniform between the two.</param>
public sealed record Noise(double LowSigma, double HighSigma) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws)
    {
        float sigma = draws.Between(0, LowSigma, HighSigma);
        int channels = buffer.Channels, pixels = buffer.Height * buffer.Width;
        Span<float> normals = stackalloc float[4];
        for (int i = 0; i < pixels; i++)
        {
            if (i % 4 == 0)
                draws.Normals(i / 4, normals);
            for (int c = 0; c < channels; c++)
                buffer.Pixels[i * channels + c] += sigma * normals[i % 4];
        }
        buffer.Clip();
    }

    internal override string ToYaml() => $"{{op: noise, sigma: [{F(LowSigma)}, {F(HighSigma)}]}}";
}

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

/// <summary>255 (level / 255)^exponent, the exponent drawn uniformly.</summary>
/// <param name="LowExponent">Smallest exponent; below 1 brightens.</param>
/// <param name="HighExponent">Largest exponent.</param>
public sealed record Gamma(double LowExponent, double HighExponent) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws)
    {
        float exponent = draws.Between(0, LowExponent, HighExponent);
        foreach (ref float level in buffer.Used)
            level = 255 * MathF.Pow(level / 255, exponent);
        buffer.Clip();
    }

    internal override string ToYaml() => $"{{op: gamma, exponent: [{F(LowExponent)}, {F(HighExponent)}]}}";
}

/// <summary>Contrast-limited adaptive histogram equalisation of the brightness (Zuiderveld, Graphics Gems IV, 1994).</summary>
/// <param name="LowClip">Smallest clip limit, in multiples of a flat histogram's height.</param>
/// <param name="HighClip">Largest clip limit.</param>
/// <param name="Tiles">Tiles along each side; fewer where they would be under 32 pixels, whose histograms are mostly noise.</param>
public sealed record Clahe(double LowClip, double HighClip, int Tiles) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws) =>
        HistogramEqualisation.Apply(buffer, draws.Between(0, LowClip, HighClip), Tiles);

    internal override string ToYaml() => $"{{op: clahe, clip: [{F(LowClip)}, {F(HighClip)}], tiles: {Tiles}}}";
}

/// <summary>Mean over a square.</summary>
/// <param name="Size">The square's side, odd.</param>
public sealed record Blur(int Size) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws)
    {
        Span<float> sums = buffer.BoxSums(Size / 2);
        float scale = 1f / (Size * Size);
        Span<float> levels = buffer.Used;
        for (int i = 0; i < levels.Length; i++)
            levels[i] = sums[i] * scale;
    }

    internal override string ToYaml() => $"{{op: blur, size: {Size}}}";
}

/// <summary>
/// (1 - strength) level + strength ((9 + lightness) level - sum of the 3x3 neighbourhood): imgaug's Sharpen.
/// </summary>
/// <param name="LowStrength">Smallest share of the sharpened image.</param>
/// <param name="HighStrength">Largest share.</param>
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
        // A grey pixel has no hue that more saturation could show.
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

/// <summary>The random numbers of one operation on one sample: numbered from 0, so that no operation shifts another's.</summary>
internal readonly struct Draws(RandomKey key, ulong first)
{
    /// <summary>Uniform in [low, high).</summary>
    public float Between(uint number, double low, double high) => (float)(low + (high - low) * key.Uniform(first + number));

    /// <summary>The four standard normal numbers of block <paramref name="block"/>, by Box-Muller: one Philox block makes them
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
