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
    /// <param name="found">What is wrong, for example <c>the mask has 512x256 pixels</c>.</param>
    /// <param name="expected">What would be right, for example <c>512x512 as its image</c>; a noun phrase.</param>
    /// <param name="remedy">What to do, a clause; null where nothing but the expectation helps.</param>
    /// <param name="inner">The cause, if another library reported it.</param>
    public DataException(string path, string found, string? expected, string? remedy = null, Exception? inner = null)
        : base(ProblemText.Compose(path, found, expected, remedy), inner)
    {
        Path = path;
        Problem = found;
        Expected = expected;
        Remedy = remedy;
        Problems = [this];
    }

    private DataException(string path, string problem, IReadOnlyList<DataException> problems)
        : base(ProblemText.WithLines(ProblemText.Compose(path, problem), LinesOf(problems)))
    {
        Path = path;
        Problem = problem;
        Problems = problems;
        Lines = LinesOf(problems);
    }

    /// <summary>The file or folder that the problem is about, of a text also the line.</summary>
    public string Path { get; }

    string IProblem.Place => Path;

    /// <inheritdoc />
    public string Problem { get; }

    /// <inheritdoc />
    public string? Expected { get; }

    /// <inheritdoc />
    public string? Remedy { get; }

    /// <inheritdoc />
    public IReadOnlyList<string> Lines { get; } = [];

    /// <summary>Every problem by itself; a single one is this exception.</summary>
    public IReadOnlyList<DataException> Problems { get; }

    /// <summary>All problems of one folder or file at once, listed one a line.</summary>
    /// <param name="path">What was opened.</param>
    /// <param name="problems">The problems, each with its own path.</param>
    public static DataException Many(string path, IReadOnlyList<DataException> problems)
    {
        DataException[] all = [.. problems.SelectMany(problem => problem.Problems)];
        return all.Length == 1 ? all[0] : new DataException(path, $"{all.Length} problems:", all);
    }

    private static IReadOnlyList<string> LinesOf(IReadOnlyList<DataException> problems) => [.. problems.Select(problem => problem.Message)];
}
