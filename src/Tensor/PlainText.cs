using System.Globalization;
using System.Text;

namespace CsUnet.Tensors;

/// <summary>
/// Texts from files, arguments and names of files as plain text: whatever could move a terminal's cursor, end a line or turn its reading
/// direction is shown escaped. Every message, terminal line, table and page passes through here.
/// </summary>
public static class PlainText
{
    /// <summary>
    /// The text on one line: control characters, line and paragraph separators, invisible format characters (the bidirectional overrides
    /// among them) and unpaired surrogates become <c>\n</c>, <c>\t</c> or <c>\u001b</c>. The joiners of scripts and emoji stay.
    /// </summary>
    public static string Of(string text)
    {
        int start = 0;
        while (start < text.Length && !IsSpecial(text, start, out int length))
            start += length;
        if (start == text.Length)
            return text;
        var plain = new StringBuilder(text, 0, start, text.Length + 16);
        for (int i = start; i < text.Length;)
        {
            if (IsSpecial(text, i, out int length))
                plain.Append(Escape(text, i, length));
            else
                plain.Append(text, i, length);
            i += length;
        }
        return plain.ToString();
    }

    /// <summary>A text of several lines, each as <see cref="Of"/> gives it: for texts that the program itself divides into lines.</summary>
    public static string Lines(string text) => text.Contains('\n', StringComparison.Ordinal)
        ? string.Join('\n', text.Split('\n').Select(line => Of(line.TrimEnd('\r'))))
        : Of(text);

    /// <summary>
    /// As <see cref="Of"/>, with the middle left out where the text is longer: beginning and end say what it is about.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="longest">The most characters of the result; at least 40.</param>
    public static string Short(string text, int longest) => Shorten(Of(Shorten(text, longest)), longest);

    /// <summary>Whether every surrogate of a text has its pair: a file holds no other text.</summary>
    public static bool IsWhole(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[++i]))
                return false;
        }
        return true;
    }

    /// <summary>Whether the character at a place is shown escaped.</summary>
    /// <param name="text">The text.</param>
    /// <param name="index">The place.</param>
    /// <param name="length">1, or 2 for a pair of surrogates.</param>
    public static bool IsSpecial(string text, int index, out int length)
    {
        char c = text[index];
        length = char.IsHighSurrogate(c) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]) ? 2 : 1;
        if (c is (> '\u001f' and < '\u007f') or '\u200c' or '\u200d')
            return false;
        return c is '\ufffe' or '\uffff' || CharUnicodeInfo.GetUnicodeCategory(text, index) is UnicodeCategory.Control
            or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate;
    }

    private static string Escape(string text, int index, int length) => text[index] switch
    {
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        var c => length == 1
            ? $"\\u{(int)c:x4}"
            : $"\\U{char.ConvertToUtf32(c, text[index + 1]):x8}",
    };

    private static string Shorten(string text, int longest)
    {
        if (text.Length <= longest)
            return text;
        string left = string.Create(CultureInfo.InvariantCulture, $" ... ({text.Length} characters) ... ");
        int kept = longest - left.Length, head = kept * 2 / 3, tail = text.Length - (kept - head);
        // A pair of surrogates stays whole.
        head -= char.IsHighSurrogate(text[head - 1]) ? 1 : 0;
        tail += char.IsLowSurrogate(text[tail]) ? 1 : 0;
        return string.Concat(text.AsSpan(0, head), left, text.AsSpan(tail));
    }
}
