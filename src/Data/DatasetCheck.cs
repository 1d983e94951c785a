namespace CsUnet.Data;

/// <summary>
/// The check of a data set as a whole, from the counts of its splits: what each file by itself cannot show. Problems stop a training, since
/// it could only learn or be judged on something else than the class map says. Warnings do not.
/// </summary>
public sealed class DatasetCheck
{
    private DatasetCheck(ClassMap classMap, SplitSummary? train, IReadOnlyList<SplitSummary> splits, bool isComplete)
    {
        ClassMap = classMap;
        Splits = splits;
        var problems = new List<DataException>();
        var warnings = new List<string>();
        if (train is not null && isComplete)
            ClassOccurrence.Check(classMap, train, splits, problems, warnings);
        foreach (SplitSummary split in splits)
            DefaultedValues.Check(classMap, split, warnings);
        SplitLikeness.Check(train, splits, warnings);
        DuplicatePictures.Check(splits, warnings);
        Problems = problems;
        Warnings = warnings;
    }

    /// <summary>The classes.</summary>
    public ClassMap ClassMap { get; }

    /// <summary>The splits, training first.</summary>
    public IReadOnlyList<SplitSummary> Splits { get; }

    /// <summary>Why training with this set would be wrong.</summary>
    public IReadOnlyList<DataException> Problems { get; }

    /// <summary>What a user should know, one line each.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Checks a set.</summary>
    /// <param name="classMap">The classes of all splits.</param>
    /// <param name="train">The training split; null if it could not be opened.</param>
    /// <param name="validation">The validation split, if there is one.</param>
    /// <param name="test">The test split, if there is one.</param>
    /// <param name="isComplete">
    /// Whether no split is left out because it could not be opened. Otherwise it stays open which classes the set has.
    /// </param>
    public static DatasetCheck Of(
        ClassMap classMap, SplitSummary? train, SplitSummary? validation = null, SplitSummary? test = null, bool isComplete = true) =>
        new(classMap, train, [.. new[] { train, validation, test }.OfType<SplitSummary>()], isComplete);

    /// <summary>The counts and warnings as text in rows.</summary>
    public DatasetTable Table => DatasetTable.Of(this);
}
