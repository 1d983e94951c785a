using System.Text;
using CsUnet.Tensors;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CsUnet.Data;

/// <summary>
/// Reads YAML text that may come from anywhere, such as the header of a weight file that was sent by someone. It takes one document of
/// mappings, lists and single values. Anchors, aliases, tags and keys that are no single values are refused: no file of this program needs
/// them, and they can make a small text endless.
/// </summary>
public static class YamlText
{
    /// <summary>
    /// The largest YAML file that is read, in bytes: a class map that lists every grey value of 16 bits has a tenth of it.
    /// </summary>
    public const long LargestFile = 4L << 20;

    /// <summary>The document of a text; null if the text holds nothing but comments.</summary>
    /// <exception cref="FileTextException">It is no such YAML.</exception>
    public static YamlNode? Load(string text)
    {
        RequirePlainCharacters(text);
        var scanner = new Scanner(new StringReader(text));
        var stream = new YamlStream();
        try
        {
            stream.Load(new YamlEvents(new Parser(scanner)));
        }
        catch (YamlException failure)
        {
            throw new FileTextException($"not valid YAML ({failure.Message.TrimEnd('.')})", "a mapping of keys to values, each key once",
                failure.Start.Line, cause: failure);
        }
        catch (Exception failure) when (failure is not (FileTextException or OutOfMemoryException))
        {
            // The library meets some broken texts with exceptions of its own working, whose messages say nothing about the text.
            throw new FileTextException("not valid YAML (a bracket, quote or indentation is not closed before this line, or out of place)",
                "a mapping of keys to values, each key once", scanner.CurrentPosition.Line, cause: failure);
        }
        return stream.Documents.Count == 0 ? null : stream.Documents[0].RootNode;
    }

    /// <summary>A text as a quoted scalar that reads back as the same text. Unpaired surrogates cannot be written.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"", text.Length + 8);
        for (int i = 0; i < text.Length;)
        {
            char c = text[i];
            bool special = PlainText.IsSpecial(text, i, out int length);
            if (c is '"' or '\\')
                quoted.Append('\\').Append(c);
            else if (c is '\n' or '\t' or '\r')
                quoted.Append(c switch { '\n' => "\\n", '\t' => "\\t", _ => "\\r" });
            else if (special)
                quoted.Append(length == 1 ? $"\\u{(int)c:X4}" : $"\\U{char.ConvertToUtf32(c, text[i + 1]):X8}");
            else
                quoted.Append(text, i, length);
            i += length;
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>
    /// A text as a scalar: numbers and simple words stand bare; all else is quoted, since YAML reads much of it otherwise.
    /// </summary>
    public static string Scalar(string text) =>
        text.Length > 0 && char.IsAsciiLetterOrDigit(text[0])
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '/' or '+')
        && text.ToLowerInvariant() is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off")
            ? text
            : Quote(text);

    // YAML allows no control characters. The library takes some for the end of the text, and others for the end of a line.
    private static void RequirePlainCharacters(string text)
    {
        int line = 1;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            line += c == '\n' ? 1 : 0;
            bool isSound = c switch
            {
                '\t' or '\n' or '\r' => true,
                '\u0085' or '\u2028' or '\u2029' or '\ufffe' or '\uffff' or '\ufeff' => false,
                _ when char.IsHighSurrogate(c) => i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]),
                _ when char.IsLowSurrogate(c) => i > 0 && char.IsHighSurrogate(text[i - 1]),
                _ => !char.IsControl(c),
            };
            if (!isSound)
            {
                throw new FileTextException(
                    FormattableString.Invariant($"has the character U+{(int)c:X4}, which YAML does not allow there"), "plain text", line,
                    c == '\0' ? "the file is damaged, or in UTF-16 without a byte order mark; restore it, or save it as UTF-8"
                        : $"delete it, or write it in double quotes as \"\\u{(int)c:X4}\"");
            }
        }
    }
}
