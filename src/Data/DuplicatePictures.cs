using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>
/// Names pictures that are in a set more than once, by their decoded pixels, whatever their names and formats, and those that differ by a
/// compression, brightness or size only. A picture in the training and in the test images makes the scores better than they are; two masks
/// for one picture contradict each other.
/// </summary>
internal static class DuplicatePictures
{
    private const int Shown = 8, NamesShown = 4;

    public static void Check(IReadOnlyList<SplitSummary> splits, List<string> warnings)
    {
        (SplitSummary Split, ImageSummary Image)[] all =
            [.. splits.SelectMany(split => split.Images.Select(image => (split, image)))];
        (SplitSummary Split, ImageSummary Image)[][] groups = [.. all.GroupBy(entry => entry.Image.ContentHash)
            .Select(group => group.ToArray())];
        Add("the same picture", [.. groups.Where(group => group.Length > 1)], warnings);
        Add("nearly the same picture", Similar([.. groups.Select(group => group[0])]), warnings);
    }

    /// <summary>Groups of different pictures with the same fingerprint.</summary>
    private static (SplitSummary, ImageSummary)[][] Similar((SplitSummary Split, ImageSummary Image)[] pictures)
    {
        // The first picture that each one is like: a picture's group is that of the first.
        int[] first = new int[pictures.Length];
        Parallel.For(0, pictures.Length, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, Workers.Count) }, i =>
        {
            PictureFingerprint? own = pictures[i].Image.Fingerprint;
            first[i] = 0;
            while (first[i] < i && (own is null || pictures[first[i]].Image.Fingerprint is not { } other || !own.IsLike(other)))
                first[i]++;
        });
        for (int i = 0; i < first.Length; i++)
            first[i] = first[first[i]];
        return [.. Enumerable.Range(0, first.Length).GroupBy(i => first[i]).Where(group => group.Count() > 1)
            .Select(group => group.Select(i => pictures[i]).ToArray())];
    }

    private static void Add(string what, (SplitSummary Split, ImageSummary Image)[][] groups, List<string> warnings)
    {
        // Between splits is worse than within one.
        foreach ((SplitSummary, ImageSummary)[] group in groups
            .OrderBy(group => group.DistinctBy(entry => entry.Split.Name).Count() > 1 ? 0 : 1).Take(Shown))
            warnings.Add($"{what}: {Describe(group)}");
        if (groups.Length > Shown)
            warnings.Add($"{what}: {ProblemText.Count(groups.Length - Shown, "more group")}");
    }

    private static string Describe((SplitSummary Split, ImageSummary Image)[] copies)
    {
        string[] splits = [.. copies.Select(copy => copy.Split.Name).Distinct()],
            names = [.. copies.Select(copy => SplitLikeness.Place(copy.Split, copy.Image))];
        // Masks of different sizes cannot be compared.
        bool differ = copies.GroupBy(copy => (copy.Image.Height, copy.Image.Width))
            .Any(same => same.DistinctBy(copy => copy.Image.LabelHash).Count() > 1);
        string shown = names.Length > NamesShown
            ? $"{string.Join(", ", names.Take(NamesShown))} and {names.Length - NamesShown} more"
            : ClassOccurrence.List(names);
        return $"{shown}{(differ ? ", with different masks" : "")}"
            + (splits is ["train", ..] && splits.Length > 1 ? $"; scores on {ClassOccurrence.List(splits[1..])} are not those of "
                + "pictures that training has not seen" : "");
    }
}
