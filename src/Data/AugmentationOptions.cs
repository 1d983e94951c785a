using System.Globalization;
using System.Text;

namespace CsUnet.Data;

/// <summary>
/// The augmentation of a training sample after its random crop. In YAML: <c>flip_horizontal</c>, <c>flip_vertical</c>, <c>rotate</c>
/// (probabilities) and <c>pixels: [{p, one_of: [{op, ...}]}]</c>; an omitted key is off.
/// </summary>
public sealed record AugmentationOptions
{
    /// <summary>Probability of mirroring left and right.</summary>
    public double FlipHorizontal { get; init; }

    /// <summary>Probability of mirroring top and bottom.</summary>
    public double FlipVertical { get; init; }

    /// <summary>Probability of a rotation by 0, 1, 2 or 3 quarter turns, with equal probability.</summary>
    public double Rotate { get; init; }

    /// <summary>Changes of the grey levels, applied in this order.</summary>
    public IReadOnlyList<PixelGroup> Pixels { get; init; } = [];

    /// <summary>Two augmentations are equal when every value is.</summary>
    public bool Equals(AugmentationOptions? other) => other is not null
        && (FlipHorizontal, FlipVertical, Rotate) == (other.FlipHorizontal, other.FlipVertical, other.Rotate)
        && Pixels.SequenceEqual(other.Pixels);

    /// <inheritdoc />
    public override int GetHashCode() => Pixels.Aggregate(HashCode.Combine(FlipHorizontal, FlipVertical, Rotate), HashCode.Combine);

    /// <summary>The recipe that the engine's own results are trained with: quarter turns, mirroring, brightness with contrast,
    /// noise.</summary>
    public static AugmentationOptions Default { get; } = new()
    {
        FlipHorizontal = 0.5,
        Rotate = 1,
        Pixels =
        [
            new PixelGroup(0.8, [new BrightnessContrast(25, 0.75, 1.25)]),
            new PixelGroup(0.5, [new Noise(0, 12)]),
        ],
    };

    /// <summary>The random crop alone.</summary>
    public static AugmentationOptions None { get; } = new();

    /// <summary>
    /// NASA's augmentations of the superalloy set. NASA's single flip of probability 0.75 (horizontal, vertical or both) equals two
    /// independent flips of 0.5.
    /// </summary>
    public static AugmentationOptions Nasa { get; } = new()
    {
        FlipHorizontal = 0.5,
        FlipVertical = 0.5,
        Rotate = 1,
        Pixels =
        [
            new PixelGroup(0.5, [new Noise(2.55, 12.75)]),
            new PixelGroup(0.5, [new Clahe(1, 4, 8), new BrightnessContrast(64, 1, 1), new Gamma(0.8, 1.2)]),
            new PixelGroup(0.5, [new Sharpen(0.2, 0.5, 0.5, 1), new Blur(3)]),
            new PixelGroup(0.5, [new BrightnessContrast(0, 0.7, 1.3), new HueSaturation(40, 30, 20)]),
        ],
    };

    /// <summary>NASA's augmentations of the barrier-coating set.</summary>
    public static AugmentationOptions NasaEbc { get; } = new()
    {
        FlipHorizontal = 0.5,
        Pixels =
        [
            new PixelGroup(0.5, [new Noise(2.55, 12.75)]),
            new PixelGroup(0.3, [new BrightnessContrast(51, 0.8, 1.2)]),
            new PixelGroup(0.3, [new Sharpen(0.2, 0.5, 0.5, 1), new Blur(3)]),
        ],
    };

    /// <summary>The built-in configurations by name.</summary>
    public static IReadOnlyDictionary<string, AugmentationOptions> BuiltIn { get; } = new Dictionary<string, AugmentationOptions>
    {
        ["default"] = Default,
        ["none"] = None,
        ["nasa"] = Nasa,
        ["nasa-ebc"] = NasaEbc,
    };

    /// <summary>A built-in configuration by name, otherwise the one in a YAML file.</summary>
    /// <exception cref="DataException">The argument is neither a name nor a file, or the file is invalid.</exception>
    public static AugmentationOptions Load(string nameOrFile)
    {
        if (BuiltIn.TryGetValue(nameOrFile, out AugmentationOptions? options))
            return options;
        return Path.Exists(nameOrFile)
            ? FromYaml(YamlSection.Load(nameOrFile))
            : throw new DataException(nameOrFile, "no such augmentation", $"{string.Join(", ", BuiltIn.Keys)}, or a YAML file");
    }

    /// <summary>Reads options from YAML text.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="path">The file named in messages.</param>
    /// <exception cref="DataException">The text is invalid; the message says where.</exception>
    public static AugmentationOptions FromYaml(string yaml, string path) => FromYaml(YamlSection.Parse(yaml, path));

    /// <summary>Reads options from a mapping of a larger YAML file.</summary>
    /// <exception cref="DataException">It is invalid; the message says where.</exception>
    public static AugmentationOptions FromYaml(YamlSection section)
    {
        section.Allow("flip_horizontal", "flip_vertical", "rotate", "pixels");
        var groups = new List<PixelGroup>();
        foreach (YamlSection group in section.Sections("pixels"))
        {
            group.Allow("p", "one_of");
            PixelOperation[] operations = [.. group.Sections("one_of").Select(PixelOperation.FromYaml)];
            if (operations.Length == 0)
                throw group.Error("one_of", "no operation", "one_of: [{op: ...}]");
            groups.Add(new PixelGroup(group.Number("p", 0, 1, 1), operations));
        }
        return new AugmentationOptions
        {
            FlipHorizontal = section.Number("flip_horizontal", 0, 1, 0),
            FlipVertical = section.Number("flip_vertical", 0, 1, 0),
            Rotate = section.Number("rotate", 0, 1, 0),
            Pixels = groups,
        };
    }

    /// <summary>YAML text that <see cref="FromYaml(string, string)"/> reads back to equal options.</summary>
    public string ToYaml()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"flip_horizontal: {YamlSection.F(FlipHorizontal)}\n");
        text.Append(CultureInfo.InvariantCulture, $"flip_vertical: {YamlSection.F(FlipVertical)}\n");
        text.Append(CultureInfo.InvariantCulture, $"rotate: {YamlSection.F(Rotate)}\n");
        text.Append(Pixels.Count == 0 ? "pixels: []\n" : "pixels:\n");
        foreach (PixelGroup group in Pixels)
        {
            string operations = string.Join(", ", group.OneOf.Select(entry => entry.ToYaml()));
            text.Append(CultureInfo.InvariantCulture, $"  - {{p: {YamlSection.F(group.Probability)}, one_of: [{operations}]}}\n");
        }
        return text.ToString();
    }
}
