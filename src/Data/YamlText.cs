using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CsUnet.Data;

/// <summary>Reads YAML text that may come from anywhere, such as the header of a weight file that was sent by someone.</summary>
public static class YamlText
{
    // Nothing that this program writes is deeper than six levels. Thousands would overflow the stack, which no catch can stop.
    private const int LargestDepth = 32;

    /// <summary>The documents of a text.</summary>
    /// <exception cref="YamlException">It is no YAML, or is nested too deeply.</exception>
    public static YamlStream Load(string text)
    {
        var events = new Parser(new StringReader(text));
        int depth = 0;
        while (events.MoveNext())
        {
            depth += events.Current!.NestingIncrease;
            // The stream and the document are levels, too.
            if (depth > LargestDepth + 2)
                throw new YamlException(events.Current.Start, events.Current.End, $"nested deeper than {LargestDepth} levels");
        }
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return stream;
    }

    /// <summary>A text as a quoted scalar that reads back as the same text.</summary>
    public static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\t", "\\t").Replace("\r", "\\r")}\"";

    /// <summary>
    /// A text as a scalar: numbers and simple words stand bare; all else is quoted, since YAML reads much of it otherwise.
    /// </summary>
    public static string Scalar(string text) =>
        text.Length > 0 && char.IsAsciiLetterOrDigit(text[0])
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '/' or '+')
        && text.ToLowerInvariant() is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off")
            ? text
            : Quote(text);
}
