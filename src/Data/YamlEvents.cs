using CsUnet.Tensors;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CsUnet.Data;

/// <summary>
/// The events of a YAML text, each checked before a tree is built from it: one document, without anchors, aliases and tags, whose keys are
/// single values that stand once, and which is not nested too deeply.
/// </summary>
internal sealed class YamlEvents(IParser parser) : IParser
{
    // Nothing that this program writes is deeper than six levels. Thousands would overflow the stack, which no catch can stop.
    private const int LargestDepth = 32;

    // A class map that lists every grey value of 16 bits has a third of it.
    private const int MostValues = 200_000;

    // The open mappings and lists: the keys of a mapping so far, null for a list.
    private readonly Stack<HashSet<string>?> _open = new();
    private bool _isKey;
    private bool _hasDocument;
    private int _values;

    /// <inheritdoc />
    public ParsingEvent? Current => parser.Current;

    /// <inheritdoc />
    public bool MoveNext()
    {
        if (!parser.MoveNext())
            return false;
        ParsingEvent current = parser.Current!;
        if (current is AnchorAlias)
            throw Refused(current, "an alias (*name)", "the value itself");
        if (current is NodeEvent && ++_values > MostValues)
            throw new FileTextException(FormattableString.Invariant($"has more than {MostValues} values"), line: current.Start.Line);
        if (current is NodeEvent { Anchor.IsEmpty: false })
            throw Refused(current, "an anchor (&name)", "no anchors");
        if (current is NodeEvent { Tag.IsEmpty: false })
            throw Refused(current, "a tag (!name)", "no tags");
        switch (current)
        {
            case DocumentStart when _hasDocument:
                throw Refused(current, "a second document", "one YAML mapping");
            case DocumentStart:
                _hasDocument = true;
                break;
            case MappingStart or SequenceStart when _isKey:
                throw Refused(current, "a list or mapping as a key", "a word as a key");
            case MappingStart or SequenceStart when _open.Count >= LargestDepth:
                throw new FileTextException($"nested deeper than {LargestDepth} levels", line: current.Start.Line);
            case MappingStart:
                _open.Push(new HashSet<string>(StringComparer.Ordinal));
                _isKey = true;
                break;
            case SequenceStart:
                _open.Push(null);
                _isKey = false;
                break;
            case MappingEnd or SequenceEnd:
                _open.Pop();
                EndValue();
                break;
            case Scalar key when _isKey:
                if (!_open.Peek()!.Add(key.Value))
                    throw new FileTextException($"not valid YAML (the key '{key.Value}' stands twice)", "each key once", key.Start.Line);
                _isKey = false;
                break;
            case Scalar:
                EndValue();
                break;
        }
        return true;
    }

    // After a value, a mapping goes on with a key.
    private void EndValue() => _isKey = _open.Count > 0 && _open.Peek() is not null;

    private static FileTextException Refused(ParsingEvent at, string what, string expected) =>
        new($"has {what}, which is not read here", expected, at.Start.Line);
}
