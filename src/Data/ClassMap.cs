using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>
/// Maps annotation files to labels. The label of a class is its index in <see cref="Classes"/>. A grey pixel of value v and the
/// colour (v,v,v) are the same. In a 16-bit file with samples above 255, 8-bit values and colours are multiplied by 257. Samples of fewer
/// than 8 bits stand for themselves if the map lists all that occur, else for their share of 255.
/// </summary>
public sealed class ClassMap
{
    /// <summary>The label of pixels that loss and metrics leave out.</summary>
    public const byte Ignored = 255;

    /// <summary>The maximum number of classes; label 255 means ignored.</summary>
    public const int MaxClasses = 255;

    private const int Unknown = -1;

    private readonly int[] _labelOfValue;
    private readonly Dictionary<uint, int> _labelOfColour = [];
    private readonly bool _usesColours;

    /// <summary>A class map of the given classes.</summary>
    /// <param name="name">Name in messages and run folders.</param>
    /// <param name="classes">In the order of their labels.</param>
    /// <param name="maskSuffix">The part of an annotation file's name between the image's name and the extension.</param>
    /// <param name="defaultLabel">The class of all values and colours that no class lists; null to reject them.</param>
    /// <param name="ignoredValues">Grey values that become <see cref="Ignored"/>.</param>
    /// <param name="ignoredColours">Colours that become <see cref="Ignored"/>.</param>
    /// <exception cref="InvalidValueException">None or too many classes, a duplicate name, value or colour, or an unused class.</exception>
    public ClassMap(
        string name, IReadOnlyList<SegmentationClass> classes, string maskSuffix = "", int? defaultLabel = null,
        IReadOnlyList<int>? ignoredValues = null, IReadOnlyList<Rgb>? ignoredColours = null)
    {
        Name = name;
        Classes = [.. classes];
        MaskSuffix = maskSuffix;
        DefaultLabel = defaultLabel;
        IgnoredValues = ignoredValues ?? [];
        IgnoredColours = ignoredColours ?? [];
        if (classes.Count is 0 or > MaxClasses)
            throw new InvalidValueException(nameof(classes), ProblemText.Count(classes.Count, "class", "classes"), $"1 to {MaxClasses}");
        if (defaultLabel is { } label && (label < 0 || label >= classes.Count))
            throw new InvalidValueException(nameof(defaultLabel), $"the default is class {label}", $"0 to {classes.Count - 1}");
        if (maskSuffix.AsSpan().IndexOfAny('/', '\\') >= 0)
            throw new InvalidValueException(
                nameof(maskSuffix), $"the mask suffix '{maskSuffix}' holds a path separator", "part of a file name");

        _labelOfValue = new int[65536];
        Array.Fill(_labelOfValue, Unknown);
        var owner = new Dictionary<string, string>();
        for (int i = 0; i < classes.Count; i++)
        {
            SegmentationClass entry = classes[i];
            if (entry.Name.Length == 0 || entry.Name.Any(char.IsControl) || !PlainText.IsWhole(entry.Name))
                throw new InvalidValueException(
                    nameof(classes), $"class {i} has the name '{entry.Name}'", "a text without control characters");
            for (int j = 0; j < i; j++)
                if (classes[j].Name == entry.Name)
                    throw new InvalidValueException(nameof(classes), $"two classes are named '{entry.Name}'", "different names");
            if (entry.Values.Count + entry.Colours.Count == 0 && defaultLabel != i)
            {
                throw new InvalidValueException(
                    nameof(classes), $"class '{entry.Name}' has neither values nor colours", "some, or that it is the default");
            }
            Add(entry.Values, entry.Colours, i, entry.Name, owner);
        }
        Add(IgnoredValues, IgnoredColours, Ignored, "ignore", owner);
        _usesColours = classes.Any(entry => entry.Colours.Count > 0) || IgnoredColours.Count > 0;
    }

    /// <summary>The name of a built-in map, or the file it was read from.</summary>
    public string Name { get; }

    /// <summary>The classes; the index is the label.</summary>
    public IReadOnlyList<SegmentationClass> Classes { get; }

    /// <summary>Number of classes.</summary>
    public int Count => Classes.Count;

    /// <summary>The part of an annotation file's name between the image's name and the extension, for example <c>_mask</c>.</summary>
    public string MaskSuffix { get; }

    /// <summary>The class of all values and colours that no class lists; null if they are an error.</summary>
    public int? DefaultLabel { get; }

    /// <summary>Grey values that become <see cref="Ignored"/>.</summary>
    public IReadOnlyList<int> IgnoredValues { get; }

    /// <summary>Colours that become <see cref="Ignored"/>.</summary>
    public IReadOnlyList<Rgb> IgnoredColours { get; }

    /// <summary>Display colours by label.</summary>
    public IReadOnlyList<Rgb> Palette => [.. Classes.Select(entry => entry.Display)];

    /// <summary>Whether files with a palette are read as indices: true if all classes are defined by values.</summary>
    public bool ReadsPaletteIndices => !_usesColours;

    /// <summary>NASA's superalloy set: blue secondary precipitates, red tertiary precipitates, everything else matrix.</summary>
    public static ClassMap NasaSuper { get; } = new("nasa-super",
        [
            new SegmentationClass("matrix", new Rgb(128, 128, 128), [], []),
            new SegmentationClass("secondary", new Rgb(0, 0, 255), [], [new Rgb(0, 0, 255)]),
            new SegmentationClass("tertiary", new Rgb(255, 0, 0), [], [new Rgb(255, 0, 0)]),
        ], "_mask", defaultLabel: 0);

    /// <summary>NASA's environmental barrier coatings: oxide (with its cracks) and background.</summary>
    public static ClassMap NasaEbc { get; } = new("nasa-ebc",
        [
            new SegmentationClass("background", new Rgb(64, 64, 64), [0], []),
            new SegmentationClass("oxide", new Rgb(255, 160, 0), [1, 2], []),
        ]);

    /// <summary>The built-in maps.</summary>
    public static IReadOnlyList<ClassMap> BuiltIn { get; } = [NasaSuper, NasaEbc];

    /// <summary>A built-in map by name, otherwise the one in a YAML file.</summary>
    /// <exception cref="DataException">The argument is neither a name nor a file, or the file is invalid.</exception>
    public static ClassMap Load(string nameOrFile)
    {
        if (BuiltIn.FirstOrDefault(map => map.Name == nameOrFile) is { } builtIn)
            return builtIn;
        if (!Path.Exists(nameOrFile))
            throw new DataException(nameOrFile, "no such class map",
                $"{string.Join(", ", BuiltIn.Select(map => map.Name))}, or a YAML file");
        return ClassMapYaml.Read(YamlSection.Load(nameOrFile), nameOrFile);
    }

    /// <summary>Reads a map from YAML text; keys: <c>classes: [{name, values or colours, display}]</c>, <c>mask_suffix</c>, <c>default</c>,
    /// <c>ignore</c>, <c>name</c>.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="path">The file named in messages.</param>
    /// <exception cref="DataException">The text is invalid; the message says where.</exception>
    public static ClassMap FromYaml(string yaml, string path) => ClassMapYaml.Read(YamlSection.Parse(yaml, path), path);

    /// <summary>YAML text that <see cref="FromYaml"/> reads back to an equal map.</summary>
    public string ToYaml() => ClassMapYaml.Write(this);

    /// <summary>The labels of an annotation, (H, W).</summary>
    /// <param name="mask">The file's samples.</param>
    /// <param name="unknown">Values and colours that no class lists, with the first place of each, if the map has no default class;
    /// otherwise null.</param>
    public byte[] Label(MaskImage mask, out string? unknown) => Label(mask, null, out unknown);

    /// <summary>The labels of an annotation; also counts the pixels that no class lists and that become the default class.</summary>
    internal byte[] Label(MaskImage mask, MaskCounts? counts, out string? unknown)
    {
        int pixels = mask.Height * mask.Width;
        byte[] labels = new byte[pixels];
        mask = NarrowMask.Widen(mask, _labelOfValue, Unknown, out unknown);
        if (unknown is not null)
            return labels;
        var unknowns = new Dictionary<ulong, (int First, int Count)>();
        ReadOnlySpan<ushort> samples = mask.Samples;
        // A 16-bit file without samples above 255 holds unscaled 8-bit values.
        bool scaled = mask.Bits == 16 && samples.ContainsAnyInRange((ushort)256, ushort.MaxValue);
        ulong previous = ulong.MaxValue;
        int label = Unknown, start = 0;
        bool isDefaulted = false;
        for (int i = 0; i < pixels; i++)
        {
            ulong r, g, b;
            if (mask.Channels == 1)
                r = g = b = samples[i];
            else
                (r, g, b) = (samples[3 * i], samples[3 * i + 1], samples[3 * i + 2]);
            ulong key = r << 32 | g << 16 | b;
            // Adjacent pixels are mostly equal: one look-up per run.
            if (key != previous)
            {
                if (i > 0)
                    counts?.Add(label, previous, i - start, isDefaulted, scaled);
                label = LabelOf((int)r, (int)g, (int)b, scaled);
                (previous, start, isDefaulted) = (key, i, label == Unknown && DefaultLabel is not null);
                if (isDefaulted)
                    label = DefaultLabel!.Value;
            }
            if (label == Unknown)
            {
                unknowns[key] = unknowns.TryGetValue(key, out (int First, int Count) seen) ? (seen.First, seen.Count + 1) : (i, 1);
                labels[i] = Ignored;
            }
            else
            {
                labels[i] = (byte)label;
            }
        }
        counts?.Add(label, previous, pixels - start, isDefaulted, scaled);
        unknown = unknowns.Count == 0 ? null : Describe(unknowns, mask);
        return labels;
    }

    private int LabelOf(int r, int g, int b, bool scaled)
    {
        int label = Unknown;
        bool grey = r == g && g == b;
        if (grey && (!scaled || r > 255))
            label = _labelOfValue[r];
        if (label == Unknown && !scaled && !grey)
            label = _labelOfColour.GetValueOrDefault(Key(r, g, b), Unknown);
        // A 16-bit sample that is not a multiple of 257 has no 8-bit equivalent; rounding it could turn a shade into a class colour.
        if (label == Unknown && scaled && r % 257 == 0 && g % 257 == 0 && b % 257 == 0)
            label = grey ? _labelOfValue[r / 257] : _labelOfColour.GetValueOrDefault(Key(r / 257, g / 257, b / 257), Unknown);
        return label;
    }

    private static string Describe(Dictionary<ulong, (int First, int Count)> unknowns, MaskImage mask)
    {
        const int shown = 4;
        var commonest = unknowns.OrderByDescending(entry => entry.Value.Count).ThenBy(entry => entry.Key).Take(shown);
        IEnumerable<string> parts = commonest.Select(entry =>
        {
            (ulong r, ulong g, ulong b) = (entry.Key >> 32, entry.Key >> 16 & 0xFFFF, entry.Key & 0xFFFF);
            string value = mask.Channels == 1 ? $"value {r}" : $"colour ({r},{g},{b})";
            (int first, int count) = entry.Value;
            return $"{value} in {ProblemText.Count(count, "pixel")}, first at row {first / mask.Width}, column {first % mask.Width}";
        });
        return string.Join("; ", parts) + (unknowns.Count > shown ? $"; and {unknowns.Count - shown} more" : "");
    }

    private void Add(IReadOnlyList<int> values, IReadOnlyList<Rgb> colours, int label, string name, Dictionary<string, string> owner)
    {
        foreach (int value in values)
        {
            if (value is < 0 or > 65535)
                throw new InvalidValueException(nameof(values), $"'{name}' has the value {value}", "0 to 65535");
            Claim($"value {value}", name, owner);
            _labelOfValue[value] = label;
        }
        foreach (Rgb colour in colours)
        {
            Claim(colour.IsGrey ? $"value {colour.R}" : $"colour {colour}", name, owner);
            if (colour.IsGrey)
                _labelOfValue[colour.R] = label;
            else
                _labelOfColour.Add(Key(colour.R, colour.G, colour.B), label);
        }
    }

    private static void Claim(string what, string name, Dictionary<string, string> owner)
    {
        if (!owner.TryAdd(what, name))
            throw new InvalidValueException("classes", $"{what} is listed for '{owner[what]}' and for '{name}'", "it once");
    }

    private static uint Key(int r, int g, int b) => (uint)(r << 16 | g << 8 | b);
}
