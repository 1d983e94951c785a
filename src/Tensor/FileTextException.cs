namespace CsUnet.Tensors;

/// <summary>
/// A text, which may be a file's, is not what its reader takes. It knows the line but not the file: <see cref="ReadFile"/> turns it into
/// the reader's own exception, which names both.
/// </summary>
/// <param name="problem">What is wrong.</param>
/// <param name="expected">What would be right, as a noun phrase; null if the problem makes it clear.</param>
/// <param name="line">The line, from 1; null if it has none.</param>
/// <param name="remedy">What to do; null if there is no advice beyond the expectation.</param>
/// <param name="cause">Another library's exception, if there was one.</param>
public sealed class FileTextException(
    string problem, string? expected = null, long? line = null, string? remedy = null, Exception? cause = null)
    : FormatException(ProblemText.Compose(PlaceOf(line), problem, expected, remedy), cause), IProblem
{
    /// <summary>The line, from 1; null if it has none.</summary>
    public long? Line { get; } = line;

    string? IProblem.Place => PlaceOf(Line);

    /// <inheritdoc />
    public string Problem { get; } = problem;

    /// <inheritdoc />
    public string? Expected { get; } = expected;

    /// <inheritdoc />
    public string? Remedy { get; } = remedy;

    private static string? PlaceOf(long? line) => line is { } number ? FormattableString.Invariant($"line {number}") : null;
}
