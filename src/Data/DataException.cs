using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>
/// What is wrong with the user's data: the one exception of image files, class maps, data sets and augmentation files. Its message names
/// the path, what was found, what was expected and what to do; it is meant to be printed without a stack trace.
/// </summary>
public sealed class DataException : Exception, IProblem
{
    /// <summary>One problem with one file.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="found">What is wrong, for example <c>the mask is 512x256</c>.</param>
    /// <param name="expected">What would be right, for example <c>512x512 as its image</c>; a noun phrase.</param>
    /// <param name="remedy">What to do, a sentence without its full stop; null where nothing but the expectation helps.</param>
    /// <param name="inner">The cause, if another library reported it.</param>
    public DataException(string path, string found, string expected, string? remedy = null, Exception? inner = null)
        : base(Format(path, found, expected, remedy), inner)
    {
        Path = path;
        Problem = found;
        Expected = expected;
        Remedy = remedy;
        Problems = [Message];
    }

    private DataException(string path, string message, IReadOnlyList<string> problems)
        : base(message)
    {
        Path = path;
        Problem = problems.Count == 1 ? problems[0] : ProblemText.Count(problems.Count, "problem");
        Problems = problems;
    }

    /// <summary>The file or folder that the problem is about, of a text also the line.</summary>
    public string Path { get; }

    string? IProblem.Place => Path;

    /// <inheritdoc />
    public string Problem { get; }

    /// <inheritdoc />
    public string? Expected { get; }

    /// <inheritdoc />
    public string? Remedy { get; }

    /// <summary>Every problem, one line each; a single one equals the message.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <summary>All problems of one folder or file at once, listed one a line.</summary>
    /// <param name="path">What was opened.</param>
    /// <param name="problems">Complete lines, each with its own path.</param>
    public static DataException Many(string path, IReadOnlyList<string> problems) => problems.Count == 1
        ? new DataException(path, problems[0], problems)
        : new DataException(path, $"{path}: {problems.Count} problems:\n  {string.Join("\n  ", problems)}", problems);

    private static string Format(string path, string found, string expected, string? remedy) =>
        $"{path}: {found}; expected {expected}{(remedy is null ? "" : $". {remedy}")}";
}
