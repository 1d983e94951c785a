using CsUnet.Tensors;

namespace CsUnet.Cli;

/// <summary>Cells of CSV files.</summary>
internal static class CsvText
{
    // A spreadsheet takes a cell that begins so for a formula, and a formula can read files and call programs.
    private const string Formula = "=+-@\uff1d\uff0b\uff0d\uff20";

    /// <summary>
    /// A text as a cell: plain (<see cref="PlainText"/>), with an apostrophe before a text that a spreadsheet would take for a formula, in
    /// quotes where it holds a comma or a quote.
    /// </summary>
    public static string Cell(string text)
    {
        string plain = PlainText.Of(text);
        if (plain.Length > 0 && Formula.Contains(plain[0], StringComparison.Ordinal))
            plain = $"'{plain}";
        return plain.AsSpan().IndexOfAny(',', '"', ';') < 0 ? plain : $"\"{plain.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
