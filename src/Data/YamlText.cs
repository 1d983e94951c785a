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
}
