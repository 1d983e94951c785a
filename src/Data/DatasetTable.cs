using System.Globalization;

namespace CsUnet.Data;

/// <summary>The check of a data set as text: for the terminal, the report and a file of the run.</summary>
/// <param name="Splits">Names of the splits: the columns.</param>
/// <param name="Rows">Counts, sizes, intensities and the share of each class, with one cell per split.</param>
/// <param name="Defaulted">Values that fell to the default class, of each split the commonest and those near a listed one.</param>
/// <param name="Warnings">One line each.</param>
public sealed record DatasetTable(
    IReadOnlyList<string> Splits, IReadOnlyList<DatasetTable.Row> Rows, IReadOnlyList<DatasetTable.DefaultedRow> Defaulted,
    IReadOnlyList<string> Warnings)
{
    private const int CommonestShown = 3, NearShown = 5, SizesShown = 3;

    /// <summary>A row.</summary>
    /// <param name="Name">What it shows.</param>
    /// <param name="Cells">Its value in each split.</param>
    public sealed record Row(string Name, IReadOnlyList<string> Cells);

    /// <summary>Pixels that fell to the default class.</summary>
    /// <param name="Split">The split.</param>
    /// <param name="Value">The value or colour, or how many others.</param>
    /// <param name="Pixels">Their pixels.</param>
    /// <param name="Share">Their share of the pixels that are not ignored.</param>
    /// <param name="Near">The listed value and its class that it is near; empty if none.</param>
    public sealed record DefaultedRow(string Split, string Value, long Pixels, string Share, string Near);

    internal static DatasetTable Of(DatasetCheck check)
    {
        IReadOnlyList<SplitSummary> splits = check.Splits;
        Row Make(string name, Func<SplitSummary, string> cell) => new(name, [.. splits.Select(cell)]);
        var rows = new List<Row>
        {
            Make("images", split => split.Images.Count.ToString(CultureInfo.InvariantCulture)),
            Make("size", split => Distinct(split.Images.Select(image => $"{image.Height}x{image.Width}"))),
            Make("samples", split => Distinct(split.Images.Select(SplitLikeness.TypeOf))),
            Make("range", split => $"{SplitLikeness.Number(split.Images.Min(image => image.Minimum))} to "
                + SplitLikeness.Number(split.Images.Max(image => image.Maximum))),
            Make("mean, deviation", split =>
            {
                (double mean, double deviation) = SplitLikeness.Intensity(split.Images);
                return string.Create(CultureInfo.InvariantCulture, $"{mean:G4}, {deviation:G3}");
            }),
        };
        if (splits.Any(split => split.Images.Any(image => image.PixelSize is not null)))
        {
            rows.Add(Make("pixel size", split => Distinct(split.Images.Select(image =>
                image.PixelSize is { } size ? PixelSize.Describe(size) : "not stated"))));
        }
        for (int i = 0; i < check.ClassMap.Count; i++)
        {
            int label = i;
            rows.Add(Make($"class {check.ClassMap.Classes[label].Name}",
                split => ClassOccurrence.Percent(split.ClassPixels[label], split)));
        }
        if (splits.Any(split => split.IgnoredPixels > 0))
        {
            rows.Add(Make("ignored, of all pixels", split => split.IgnoredPixels == 0 ? "none"
                : string.Create(CultureInfo.InvariantCulture, $"{100.0 * split.IgnoredPixels / split.Pixels:F2} %")));
        }
        return new DatasetTable([.. splits.Select(split => split.Name)], rows, [.. splits.SelectMany(DefaultedOf)], check.Warnings);
    }

    private static IEnumerable<DefaultedRow> DefaultedOf(SplitSummary split)
    {
        DefaultedValue[] shown = [.. split.Defaulted.Take(CommonestShown)
            .Union(split.Defaulted.Where(entry => entry.NearClass is not null).Take(NearShown))];
        foreach (DefaultedValue entry in shown)
        {
            yield return new DefaultedRow(split.Name, $"{entry.Value}", entry.Pixels, ClassOccurrence.Percent(entry.Pixels, split),
                entry.NearClass is null ? "" : $"class '{entry.NearClass}' {entry.NearValue}");
        }
        long others = split.DefaultedPixels - shown.Sum(entry => entry.Pixels);
        if (others > 0)
        {
            int count = split.Defaulted.Count - shown.Length;
            yield return new DefaultedRow(split.Name, count > 0 ? $"{count} others" : "others", others,
                ClassOccurrence.Percent(others, split), "");
        }
    }

    private static string Distinct(IEnumerable<string> texts)
    {
        string[] distinct = [.. texts.GroupBy(text => text).OrderByDescending(group => group.Count()).Select(group => group.Key)];
        return string.Join(", ", distinct.Take(SizesShown))
            + (distinct.Length > SizesShown ? $" and {distinct.Length - SizesShown} more" : "");
    }
}
