using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>
/// Names pictures that are in a set more than once, by their decoded pixels, whatever their names and formats. A picture in the training
/// and in the test images makes the scores better than they are; two masks for one picture contradict each other.
/// </summary>
internal static class DuplicatePictures
{
    private const int Shown = 8, NamesShown = 4;

    public static void Check(IReadOnlyList<SplitSummary> splits, List<string> warnings)
    {
        IGrouping<UInt128, (SplitSummary Split, ImageSummary Image)>[] copies = [.. splits
            .SelectMany(split => split.Images.Select(image => (Split: split, Image: image)))
            .GroupBy(entry => entry.Image.ContentHash)
            .Where(group => group.Count() > 1)
            // Between splits is worse than within one.
            .OrderBy(group => group.DistinctBy(entry => entry.Split.Name).Count() > 1 ? 0 : 1)];
        foreach (IGrouping<UInt128, (SplitSummary Split, ImageSummary Image)> group in copies.Take(Shown))
            warnings.Add(Describe([.. group]));
        if (copies.Length > Shown)
        {
            warnings.Add($"{ProblemText.Count(copies.Length - Shown, "more picture")} "
                + $"{(copies.Length - Shown == 1 ? "is" : "are")} in the set more than once");
        }
    }

    private static string Describe((SplitSummary Split, ImageSummary Image)[] copies)
    {
        string[] splits = [.. copies.Select(copy => copy.Split.Name).Distinct()],
            names = [.. copies.Select(copy => SplitLikeness.Place(copy.Split, copy.Image))];
        bool differ = copies.DistinctBy(copy => copy.Image.LabelHash).Count() > 1;
        string shown = names.Length > NamesShown
            ? $"{string.Join(", ", names.Take(NamesShown))} and {names.Length - NamesShown} more"
            : ClassOccurrence.List(names);
        return $"the same picture: {shown}{(differ ? ", with different masks" : "")}"
            + (splits is ["train", ..] && splits.Length > 1 ? $"; scores on {ClassOccurrence.List(splits[1..])} are not those of "
                + "pictures that training has not seen" : "");
    }
}
