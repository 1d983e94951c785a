namespace CsUnet.Data;

/// <summary>A change of grey levels or colours that moves no pixel; results are clipped to 0..255.</summary>
public abstract record PixelOperation
{
    /// <summary>Changes the pixels. The result depends only on them and on <paramref name="draws"/>.</summary>
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
                throw section.Error("op", $"no operation '{name}'",
                    "noise, brightness_contrast, gamma, clahe, blur, sharpen or hue_saturation");
        }
    }

    private protected static string F(double value) => YamlSection.F(value);
}
