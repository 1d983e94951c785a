using System.Globalization;

namespace CsUnet.Data;

/// <summary>Names what is unlike between the pictures of a set: sizes, types of samples, pixel sizes, intensities.</summary>
internal static class SplitLikeness
{
    private const int Shown = 5;
    // Two scales are one if they differ by less: microscopes and programs round them.
    private const double ScaleTolerance = 1.01;
    // Between pictures of one kind means differ by part of a deviation; see docs/data-check.md.
    private const double LargestContrastRatio = 2, FarDeviations = 2;

    public static void Check(SplitSummary? train, IReadOnlyList<SplitSummary> splits, List<string> warnings)
    {
        Name("sizes (height x width)", splits, image => (image.Height, image.Width), size => $"{size.Height}x{size.Width}", warnings);
        Name("types of samples", splits, TypeOf, type => type, warnings);
        CheckScales(splits, warnings);
        foreach (SplitSummary split in splits)
            foreach (ImageSummary flat in split.Images.Where(image => image.Minimum == image.Maximum))
                warnings.Add($"{Place(split, flat)}: every sample of the picture is {Number(flat.Minimum)}");
        // Intensities of different types have no common unit.
        if (train is not null && splits.SelectMany(split => split.Images).DistinctBy(image => image.Bits).Count() == 1)
            CheckIntensities(train, splits, warnings);
    }

    /// <summary>For example <c>8 bits</c> or <c>16 bits in colour</c>.</summary>
    public static string TypeOf(ImageSummary image) =>
        (image.Bits == 32 ? "real" : $"{image.Bits} bits") + (image.IsColour ? " in colour" : "");

    /// <summary>For example <c>train/im0.png</c>.</summary>
    public static string Place(SplitSummary split, ImageSummary image) => $"{split.Name}/{Path.GetFileName(image.File)}";

    /// <summary>Mean and standard deviation over the samples of several pictures.</summary>
    public static (double Mean, double Deviation) Intensity(IReadOnlyList<ImageSummary> images)
    {
        double count = images.Sum(Samples), mean = images.Sum(image => Samples(image) * image.Mean) / count;
        double variance = images.Sum(image =>
            Samples(image) * (image.Deviation * image.Deviation + (image.Mean - mean) * (image.Mean - mean))) / count;
        return (mean, Math.Sqrt(variance));

        static double Samples(ImageSummary image) => (double)image.Height * image.Width;
    }

    /// <summary>A sample as text: whole, or with four significant digits.</summary>
    public static string Number(double sample) => sample.ToString(sample == Math.Floor(sample) ? "F0" : "G4", CultureInfo.InvariantCulture);

    private static void Name<T>(
        string what, IReadOnlyList<SplitSummary> splits, Func<ImageSummary, T> property, Func<T, string> describe, List<string> warnings)
    {
        IGrouping<T, (SplitSummary Split, ImageSummary Image)>[] groups = [.. splits
            .SelectMany(split => split.Images.Select(image => (Split: split, Image: image)))
            .GroupBy(entry => property(entry.Image))
            .OrderByDescending(group => group.Count())];
        if (groups.Length < 2)
            return;
        IEnumerable<string> parts = groups.Take(Shown).Select(group => $"{describe(group.Key)} ({string.Join(", ", group
            .GroupBy(entry => entry.Split.Name).Select(part => $"{part.Key} {part.Count()}"))})");
        warnings.Add($"the pictures have {groups.Length} different {what}: {string.Join(", ", parts)}"
            + (groups.Length > Shown ? $" and {groups.Length - Shown} more" : ""));
    }

    private static void CheckScales(IReadOnlyList<SplitSummary> splits, List<string> warnings)
    {
        double[] stated = [.. splits.SelectMany(split => split.Images).Select(image => image.PixelSize).OfType<double>().Order()];
        if (stated.Length == 0 || stated[^1] / stated[0] < ScaleTolerance)
            return;
        // Each size stands for those just above it.
        var steps = new List<double>();
        foreach (double size in stated)
            if (steps.Count == 0 || size / steps[^1] >= ScaleTolerance)
                steps.Add(size);
        Name("pixel sizes", splits, image => image.PixelSize is { } size ? steps.Last(step => step <= size) : (double?)null,
            size => size is { } micrometres ? PixelSize.Describe(micrometres) : "not stated", warnings);
    }

    private static void CheckIntensities(SplitSummary train, IReadOnlyList<SplitSummary> splits, List<string> warnings)
    {
        (double mean, double deviation) = Intensity(train.Images);
        var far = new List<string>();
        foreach (SplitSummary split in splits)
        {
            if (split != train)
            {
                (double otherMean, double otherDeviation) = Intensity(split.Images);
                double ratio = Math.Max(otherDeviation, deviation) / Math.Min(otherDeviation, deviation);
                if (Math.Abs(otherMean - mean) > deviation || ratio > LargestContrastRatio)
                {
                    warnings.Add(string.Create(CultureInfo.InvariantCulture,
                        $"the pictures of {split.Name} have other intensities than those of {train.Name}: mean {otherMean:G4} and "
                            + $"deviation {otherDeviation:G4} against {mean:G4} and {deviation:G4}"));
                    continue;
                }
            }
            far.AddRange(split.Images.Where(image => Math.Abs(image.Mean - mean) > FarDeviations * deviation)
                .Select(image => $"{Place(split, image)} ({image.Mean.ToString("G4", CultureInfo.InvariantCulture)})"));
        }
        if (far.Count > 0)
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture,
                $"far brighter or darker than the training pictures (mean {mean:G4}, deviation {deviation:G4}): ")
                + string.Join(", ", far.Take(Shown)) + (far.Count > Shown ? $" and {far.Count - Shown} more" : ""));
        }
    }
}
