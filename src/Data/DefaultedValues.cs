using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>What fell to the default class because no class lists it.</summary>
internal static class DefaultedValues
{
    private const int Shown = 4;

    /// <summary>Names the values that are near listed ones: they were meant to be those, but are not equal.</summary>
    public static void Check(ClassMap map, SplitSummary split, List<string> warnings)
    {
        foreach (IGrouping<(string, MaskValue), DefaultedValue> near in split.Defaulted
            .Where(entry => entry.NearClass is not null)
            .GroupBy(entry => (entry.NearClass!, entry.NearValue!.Value)))
        {
            (string name, MaskValue listed) = near.Key;
            DefaultedValue[] values = [.. near];
            long pixels = values.Sum(entry => entry.Pixels);
            int label = map.Classes.ToList().FindIndex(entry => entry.Name == name);
            string what = values.Length == 1 ? $"{values[0].Value} is near" : $"{values.Length} values are near";
            string example = values.Length == 1 ? "" : $" such as {ClassOccurrence.List(values.Take(Shown).Select(Amount))};";
            string lost = label < 0 ? ""
                : FormattableString.Invariant($", {100.0 * pixels / (pixels + split.ClassPixels[label]):F1} % of what may be '{name}'");
            warnings.Add($"{split.Name}: {what} class '{name}' {listed}, but not listed:{example} "
                + $"{ProblemText.Count(pixels, "pixel")} became '{map.Classes[map.DefaultLabel!.Value].Name}', "
                + $"{ClassOccurrence.Percent(pixels, split)} of all{lost}");
        }
    }

    /// <summary>A clause for messages, for example <c>; 900 of 900 pixels fell to ...</c>; empty if nothing fell to the default class.
    /// </summary>
    public static string Describe(ClassMap map, SplitSummary split)
    {
        if (split.DefaultedPixels == 0)
            return "";
        long counted = split.ClassPixels.Sum();
        string[] values = [.. split.Defaulted.Take(Shown).Select(entry => entry.NearClass is null ? Amount(entry)
            : $"{Amount(entry)} near class '{entry.NearClass}' {entry.NearValue}")];
        string more = split.Defaulted.Count > Shown ? $" and {split.Defaulted.Count - Shown} more" : "";
        return $"; of {ProblemText.Count(counted, "pixel")} of {split.Name}, {split.DefaultedPixels} fell to the default class "
            + $"'{map.Classes[map.DefaultLabel!.Value].Name}': {string.Join(", ", values)}{more}";
    }

    /// <summary>The values and colours of a class, for example <c>value 1 or (255,0,0)</c>.</summary>
    public static string Listed(SegmentationClass entry)
    {
        string[] all = [.. entry.Values.Select(value => $"value {value}")
            .Concat(entry.Colours.Select(colour => $"({colour.R},{colour.G},{colour.B})"))];
        return all.Length == 0 ? "a value that no other class lists"
            : ProblemText.OneOf(all.Length > Shown ? [.. all.Take(Shown), $"{all.Length - Shown} more"] : all);
    }

    private static string Amount(DefaultedValue entry) => $"{entry.Value} in {ProblemText.Count(entry.Pixels, "pixel")}";
}
