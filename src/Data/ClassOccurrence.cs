using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>Which classes occur in which splits.</summary>
internal static class ClassOccurrence
{
    private const int Shown = 4;

    public static void Check(
        ClassMap map, SplitSummary train, IReadOnlyList<SplitSummary> splits, List<DataException> problems, List<string> warnings)
    {
        int[] labels = [.. Enumerable.Range(0, map.Count)], trained = [.. labels.Where(train.Has)];
        int[] missing = [.. labels.Where(label => !splits.Any(split => split.Has(label)))];
        if (missing.Length > 0)
        {
            problems.Add(new DataException(Masks(train),
                $"{Classes(map, missing)} {Have(missing)} no pixel in any mask of {List(splits.Select(split => split.Name))}"
                    + DefaultedValues.Describe(map, train),
                List(missing.Select(label => $"{DefaultedValues.Listed(map.Classes[label])} for '{map.Classes[label].Name}'"))
                    + " in some training masks",
                "correct the class map, or take the class out of it"));
        }
        else if (trained.Length == 1 && map.Count > 1)
        {
            problems.Add(new DataException(Masks(train),
                $"every pixel of the training masks is of class '{map.Classes[trained[0]].Name}': there is nothing to learn"
                    + DefaultedValues.Describe(map, train),
                "two classes or more", "correct the class map, or give training images that show another class"));
        }
        foreach (int label in labels.Except(trained).Except(missing))
        {
            warnings.Add($"class '{map.Classes[label].Name}' has no pixel in the training masks, but in {List(splits
                .Where(split => split.Has(label)).Select(split => $"{split.Name} ({Percent(split.ClassPixels[label], split)})"))}: "
                + "the network cannot learn it");
        }
        foreach (SplitSummary split in splits.Where(split => split != train))
            CheckAgainst(map, train, trained, split, problems, warnings);
    }

    /// <summary>For example <c>14.58 %</c>, of the pixels that are not ignored.</summary>
    public static string Percent(long pixels, SplitSummary split) => pixels == 0 ? "none"
        : FormattableString.Invariant($"{100.0 * pixels / Math.Max(1, split.ClassPixels.Sum()):F2} %");

    /// <summary>For example <c>a, b and c</c>.</summary>
    public static string List(IEnumerable<string> words)
    {
        string[] all = [.. words];
        return all.Length < 2 ? string.Concat(all) : $"{string.Join(", ", all[..^1])} and {all[^1]}";
    }

    private static void CheckAgainst(
        ClassMap map, SplitSummary train, int[] trained, SplitSummary split, List<DataException> problems, List<string> warnings)
    {
        int[] absent = [.. trained.Where(label => !split.Has(label))];
        if (absent.Length == 0)
            return;
        bool isValidation = split.Name == "val";
        // The training masks never show a value that fell to the default here: the masks are of another kind.
        bool isOfAnotherKind = split.DefaultedPixels > 0 && split.DefaultedPixels == split.ClassPixels.Sum()
            && split.Defaulted.Select(entry => entry.Value).Except(train.Defaulted.Select(entry => entry.Value)).Any();
        if (isValidation && (isOfAnotherKind || absent.Length == trained.Length))
        {
            problems.Add(new DataException(Masks(split),
                $"{Classes(map, absent)} {Have(absent)} no pixel in the masks of {split.Name}, but in those of {train.Name}"
                    + DefaultedValues.Describe(map, split),
                "masks with the values of the training masks", "correct the masks: a validation on them would say nothing"));
            return;
        }
        warnings.Add($"{Classes(map, absent)} {Have(absent)} no pixel in the masks of {split.Name}, but in those of {train.Name}: "
            + (isValidation ? "validation cannot judge it" : "a score on it cannot be measured")
            + DefaultedValues.Describe(map, split));
    }

    private static string Masks(SplitSummary split) => Directory.Exists($"{split.Folder}_annot") ? $"{split.Folder}_annot" : split.Folder;

    private static string Have(int[] labels) => labels.Length == 1 ? "has" : "have";

    private static string Classes(ClassMap map, int[] labels)
    {
        string[] names = [.. labels.Take(Shown).Select(label => $"'{map.Classes[label].Name}'")];
        return labels.Length > Shown ? $"{labels.Length} classes, among them {List(names)},"
            : labels.Length == 1 ? $"class {names[0]}" : $"classes {List(names)}";
    }
}
