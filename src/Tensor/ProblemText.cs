using System.Globalization;

namespace CsUnet.Tensors;

/// <summary>Composes the messages of errors, and the counts and amounts in them.</summary>
public static class ProblemText
{
    private const double Mebibyte = 1 << 20, Gibibyte = 1 << 30;

    // The longest parts of a message, in characters. A value may be a whole file; names of known things are listed as expectation.
    private const int LongestPart = 900, LongestExpectation = 1200;

    /// <summary>
    /// One line: <c>PLACE: PROBLEM, expected EXPECTED; REMEDY</c>, without the parts that are null. Each part is shown as
    /// <see cref="PlainText.Short"/> gives it, so that no name or value from a file can forge a line or control a terminal.
    /// </summary>
    /// <param name="place">Where it is.</param>
    /// <param name="problem">What is wrong.</param>
    /// <param name="expected">What would be right.</param>
    /// <param name="remedy">What to do.</param>
    public static string Compose(string? place, string problem, string? expected = null, string? remedy = null) =>
        $"{(place is null ? "" : $"{PlainText.Short(place, LongestPart)}: ")}{PlainText.Short(problem, LongestPart)}"
        + (expected is null ? "" : $", expected {PlainText.Short(expected, LongestExpectation)}")
        + (remedy is null ? "" : $"; {PlainText.Short(remedy, LongestPart)}");

    /// <summary>A message with further lines below it, each indented by two blanks and shown as <see cref="PlainText.Of"/> gives
    /// it.</summary>
    public static string WithLines(string message, IReadOnlyList<string> lines) =>
        message + string.Concat(lines.Select(line => $"\n  {PlainText.Of(line)}"));

    /// <summary>A number and its noun: <c>1 pixel</c>, <c>2 pixels</c>, <c>0 pixels</c>.</summary>
    /// <param name="count">The number.</param>
    /// <param name="singular">The noun of one.</param>
    /// <param name="plural">The noun of several; null: the singular plus an s.</param>
    public static string Count(long count, string singular, string? plural = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? singular : plural ?? singular + "s")}");

    /// <summary>An amount of memory: <c>143 MiB</c>, or <c>1.5 GiB</c> from 1 GiB on.</summary>
    public static string Memory(double bytes) => bytes < Gibibyte
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / Mebibyte:F0} MiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / Gibibyte:F1} GiB");

    /// <summary>Words as a choice: <c>a, b or c</c>.</summary>
    public static string OneOf(IReadOnlyList<string> words) => words.Count < 2
        ? string.Concat(words)
        : $"{string.Join(", ", words.Take(words.Count - 1))} or {words[^1]}";
}
