using System.Globalization;
using System.Text;
using CsUnet.Tensors;
using YamlDotNet.RepresentationModel;

namespace CsUnet.Data;

/// <summary>Class maps as YAML.</summary>
internal static class ClassMapYaml
{
    // Display colours of classes that name none: distinct hues that also differ in lightness.
    private static readonly Rgb[] s_palette =
    [
        new(128, 128, 128), new(0, 0, 255), new(255, 0, 0), new(255, 160, 0), new(0, 160, 0), new(160, 0, 200), new(0, 190, 220),
        new(230, 220, 0),
        new(120, 70, 20), new(255, 120, 200),
    ];

    public static ClassMap Read(YamlSection root, string path)
    {
        root.Allow("name", "classes", "mask_suffix", "default", "ignore");
        string name = root.Text("name", Path.GetFileNameWithoutExtension(path));
        IReadOnlyList<YamlSection> entries = root.Sections("classes");
        if (entries.Count == 0)
            throw root.Error("classes", "there is no class", "classes: [{name: ..., values: [...]}, ...]");
        var classes = new List<SegmentationClass>();
        foreach (YamlSection entry in entries)
        {
            entry.Allow("name", "values", "colours", "display");
            string className = entry.Text("name");
            List<Rgb> colours = [.. entry.List("colours").Select(node => ReadColour(entry, node, "colours"))];
            List<int> values = [.. entry.List("values").Select(node => ReadValue(entry, node, "values"))];
            Rgb display = entry.Find("display") is { } shown ? ReadColour(entry, shown, "display")
                : colours.Count > 0 ? colours[0]
                : s_palette[classes.Count % s_palette.Length];
            classes.Add(new SegmentationClass(className, display, values, colours));
        }

        int? defaultLabel = null;
        if (root.Has("default"))
        {
            string wanted = root.Text("default");
            int index = classes.FindIndex(entry => entry.Name == wanted);
            defaultLabel = index >= 0 ? index
                : throw root.Error("default", $"there is no class '{wanted}'",
                    $"one of {string.Join(", ", classes.Select(entry => entry.Name))}");
        }
        var ignoredValues = new List<int>();
        var ignoredColours = new List<Rgb>();
        foreach (YamlNode node in root.List("ignore"))
        {
            if (node is YamlSequenceNode || node is YamlScalarNode { Value: ['#', ..] })
                ignoredColours.Add(ReadColour(root, node, "ignore"));
            else
                ignoredValues.Add(ReadValue(root, node, "ignore"));
        }
        try
        {
            return new ClassMap(name, classes, root.Text("mask_suffix", ""), defaultLabel, ignoredValues, ignoredColours);
        }
        catch (InvalidValueException failure)
        {
            throw new DataException(root.Path, failure.Problem, failure.Expected, failure.Remedy, failure);
        }
    }

    /// <summary>The text of a map, read back: a run whose classes cannot be read again would be lost.</summary>
    /// <exception cref="InvalidValueException">A text of the map would not read back.</exception>
    public static string Write(ClassMap map)
    {
        string yaml = Text(map);
        try
        {
            if (Text(Read(YamlSection.Parse(yaml, map.Name), map.Name)) == yaml)
                return yaml;
        }
        catch (DataException failure)
        {
            throw new InvalidValueException(
                nameof(map), $"the class map would not read back ({failure.Problem})", "texts that a file can hold");
        }
        throw new InvalidValueException(nameof(map), "the class map would read back as another one", "texts that a file can hold");
    }

    private static string Text(ClassMap map)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"name: {YamlText.Quote(map.Name)}");
        text.AppendLine("classes:");
        foreach (SegmentationClass entry in map.Classes)
        {
            text.Append(CultureInfo.InvariantCulture, $"  - {{name: {YamlText.Quote(entry.Name)}");
            if (entry.Values.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $", values: [{string.Join(", ", entry.Values)}]");
            if (entry.Colours.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $", colours: [{string.Join(", ", entry.Colours.Select(Colour))}]");
            text.AppendLine(CultureInfo.InvariantCulture, $", display: {Colour(entry.Display)}}}");
        }
        text.AppendLine(CultureInfo.InvariantCulture, $"mask_suffix: {YamlText.Quote(map.MaskSuffix)}");
        if (map.DefaultLabel is { } label)
            text.AppendLine(CultureInfo.InvariantCulture, $"default: {YamlText.Quote(map.Classes[label].Name)}");
        IEnumerable<string> ignored = map.IgnoredValues.Select(value => value.ToString(CultureInfo.InvariantCulture))
            .Concat(map.IgnoredColours.Select(Colour));
        text.AppendLine(CultureInfo.InvariantCulture, $"ignore: [{string.Join(", ", ignored)}]");
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static string Colour(Rgb colour) => $"[{colour.R}, {colour.G}, {colour.B}]";

    private static int ReadValue(YamlSection section, YamlNode node, string key)
    {
        double value = section.ToNumber(node, key, 0, 65535);
        return value == Math.Floor(value) ? (int)value : throw section.Wrong(node, key, "whole numbers");
    }

    private static Rgb ReadColour(YamlSection section, YamlNode node, string key)
    {
        const string expected = "a colour, [red, green, blue] of 0 to 255 or \"#rrggbb\"";
        if (node is YamlScalarNode { Value: { } text } && Rgb.TryParse(text, out Rgb colour))
            return colour;
        if (node is not YamlSequenceNode { Children: [var red, var green, var blue] })
            throw section.Wrong(node, key, expected);
        return new Rgb(Channel(red), Channel(green), Channel(blue));

        byte Channel(YamlNode channel)
        {
            double value = section.ToNumber(channel, key, 0, 255);
            return value == Math.Floor(value) ? (byte)value : throw section.Wrong(channel, key, expected);
        }
    }
}
