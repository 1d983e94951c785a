using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace CsUnet.Weights;

/// <summary>
/// Reads a pickle (protocols 0 to 5) as plain data: numbers, texts, lists, tuples, dictionaries, tensors. It never imports and never calls:
/// a small fixed set of names has a meaning (<see cref="PickleObjects"/>), and every other name is refused. Memory is bounded by the
/// pickle's size.
/// </summary>
internal sealed class Unpickler
{
    private static readonly object s_mark = new();

    private readonly Stream _stream;
    private readonly long _limit;
    private readonly List<object?> _stack = [];
    private readonly Dictionary<long, object?> _memo = [];

    private readonly PickleObjects _objects;

    private readonly StorageTypes? _storages;

    private Unpickler(Stream stream, StorageTypes? storages) =>
        (_stream, _limit, _objects, _storages) = (stream, stream.Length, new PickleObjects(stream.Length), storages);

    /// <summary>Reads one pickle; the stream stands behind its STOP afterwards.</summary>
    /// <param name="stream">Its bytes; it can seek.</param>
    /// <param name="storages">Takes down the storages that it names; null: nobody asks.</param>
    /// <exception cref="PickleException">The pickle is damaged, or asks for something that is not data.</exception>
    public static object? Read(Stream stream, StorageTypes? storages = null)
    {
        try
        {
            return new Unpickler(stream, storages).Run();
        }
        catch (EndOfStreamException)
        {
            throw new PickleException("the pickle ends too early");
        }
    }

    private object? Run()
    {
        while (true)
        {
            int code = Byte();
            switch ((char)code)
            {
                case '.':
                    return Pop();
                case '\x80':
                    int protocol = Byte();
                    if (protocol > 5)
                        throw new PickleException($"pickle protocol {protocol}, expected at most 5");
                    break;
                case '\x95':
                    Take(8);
                    break;
                case '(':
                    _stack.Add(s_mark);
                    break;
                case '0':
                    Pop();
                    break;
                case '1':
                    PopMark();
                    break;
                case '2':
                    _stack.Add(Top());
                    break;
                default:
                    if (!Push((char)code) && !Collect((char)code) && !Make((char)code))
                        throw new PickleException($"the pickle has the unknown instruction 0x{code:X2}");
                    break;
            }
        }
    }

    /// <summary>Instructions that push a constant or a remembered value.</summary>
    private bool Push(char code)
    {
        object? value;
        switch (code)
        {
            case 'N': value = null; break;
            case '\x88': value = true; break;
            case '\x89': value = false; break;
            case 'K': value = (long)Byte(); break;
            case 'M': value = (long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)); break;
            case 'J': value = (long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)); break;
            case '\x8a': value = Integer(Take(Byte())); break;
            case '\x8b': value = Integer(Take(Length(4))); break;
            case 'G': value = BinaryPrimitives.ReadDoubleBigEndian(Take(8)); break;
            case 'I': value = Line() switch { "00" => false, "01" => true, string text => Number(text) }; break;
            case 'L': value = Number(Line().TrimEnd('L')); break;
            case 'F': value = Real(Line()); break;
            case 'X': value = Text(Length(4)); break;
            case '\x8c': value = Text(Byte()); break;
            case '\x8d': value = Text(Length(8)); break;
            case 'V': value = Line(); break;
            // Texts of Python 2 are bytes; as names and numbers they are ASCII.
            case 'U': value = Encoding.Latin1.GetString(Take(Byte())); break;
            case 'T': value = Encoding.Latin1.GetString(Take(Length(4))); break;
            case 'S': value = Line().Trim('\'', '"'); break;
            case 'C': value = Take(Byte()); break;
            case 'B': value = Take(Length(4)); break;
            case '\x8e' or '\x96': value = Take(Length(8)); break;
            case ')': value = new PickleTuple([]); break;
            case ']': value = new List<object?>(); break;
            case '}': value = new PickleDictionary(); break;
            case '\x8f': value = new List<object?>(); break;
            case 'h': value = Remembered(Byte()); break;
            case 'j': value = Remembered(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;
            case 'g': value = Remembered(Index(Line())); break;
            case 'c': value = PickleObjects.Global(Line(), Line()); break;
            default: return false;
        }
        _stack.Add(value);
        return true;
    }

    /// <summary>Instructions that fill or make collections, and those that remember.</summary>
    private bool Collect(char code)
    {
        switch (code)
        {
            case '\x94': _memo[_memo.Count] = Top(); break;
            case 'q': _memo[Byte()] = Top(); break;
            case 'r': _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Top(); break;
            case 'p': _memo[Index(Line())] = Top(); break;
            case 't': _stack.Add(new PickleTuple(PopMark())); break;
            case '\x85': _stack.Add(new PickleTuple(PopLast(1))); break;
            case '\x86': _stack.Add(new PickleTuple(PopLast(2))); break;
            case '\x87': _stack.Add(new PickleTuple(PopLast(3))); break;
            case 'l': _stack.Add(PopMark()); break;
            case '\x91': _stack.Add(PopMark()); break;
            case 'd':
                List<object?> pairs = PopMark();
                var dictionary = new PickleDictionary();
                Add(dictionary, pairs);
                _stack.Add(dictionary);
                break;
            case 'a':
                object? last = Pop();
                Target<List<object?>>("a list").Add(last);
                break;
            case 'e' or '\x90':
                List<object?> items = PopMark();
                Target<List<object?>>("a list").AddRange(items);
                break;
            case 's':
                List<object?> pair = PopLast(2);
                Add(Target<PickleDictionary>("a dictionary"), pair);
                break;
            case 'u':
                List<object?> entries = PopMark();
                Add(Target<PickleDictionary>("a dictionary"), entries);
                break;
            default: return false;
        }
        return true;
    }

    /// <summary>Instructions that make objects: they only combine data, by <see cref="PickleObjects"/>.</summary>
    private bool Make(char code)
    {
        switch (code)
        {
            case '\x93':
                List<object?> name = PopLast(2);
                _stack.Add(name is [string module, string member]
                    ? PickleObjects.Global(module, member)
                    : throw new PickleException("a name in the pickle is no text"));
                break;
            case 'R' or '\x81':
                List<object?> call = PopLast(2);
                _stack.Add(_objects.Call(call[0], call[1] as PickleTuple ?? throw Wrong("a tuple of arguments")));
                break;
            case '\x92':
                List<object?> named = PopLast(3);
                _stack.Add(_objects.Call(named[0], named[1] as PickleTuple ?? throw Wrong("a tuple of arguments")));
                break;
            case 'b':
                object? state = Pop();
                _objects.SetState(Top(), state);
                break;
            case 'Q':
                StorageReference storage = _objects.Persistent(Pop());
                _storages?.Add(storage);
                _stack.Add(storage);
                break;
            default: return false;
        }
        return true;
    }

    private static void Add(PickleDictionary dictionary, List<object?> items)
    {
        if (items.Count % 2 != 0)
            throw Wrong("pairs of keys and values");
        for (int i = 0; i < items.Count; i += 2)
            dictionary.Items.Add(KeyValuePair.Create(items[i], items[i + 1]));
    }

    private static PickleException Wrong(string expected) => new($"the pickle is damaged: an instruction did not find {expected}");

    private object? Top() => _stack.Count > 0 && _stack[^1] != s_mark ? _stack[^1] : throw Wrong("a value");

    private T Target<T>(string what) where T : class => Top() as T ?? throw Wrong(what);

    private object? Pop()
    {
        object? top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private List<object?> PopLast(int count)
    {
        var items = new List<object?>(count);
        for (int i = 0; i < count; i++)
            items.Insert(0, Pop());
        return items;
    }

    private List<object?> PopMark()
    {
        int mark = _stack.LastIndexOf(s_mark);
        if (mark < 0)
            throw Wrong("a mark");
        List<object?> items = _stack.GetRange(mark + 1, _stack.Count - mark - 1);
        _stack.RemoveRange(mark, _stack.Count - mark);
        return items;
    }

    private object? Remembered(long index) => _memo.TryGetValue(index, out object? value)
        ? value
        : throw new PickleException($"the pickle recalls value {index}, which it never set");

    private static long Index(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long index) ? index : throw Wrong("a number");

    private static object Number(string text) =>
        text.Length <= 1000 && BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger number)
            ? Narrow(number)
            : throw Wrong("a whole number");

    private static double Real(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : throw Wrong("a number");

    private static object Integer(byte[] bytes) => Narrow(new BigInteger(bytes));

    private static object Narrow(BigInteger number) => number >= long.MinValue && number <= long.MaxValue ? (long)number : number;

    private string Text(long length)
    {
        try
        {
            return new UTF8Encoding(false, true).GetString(Take(length));
        }
        catch (DecoderFallbackException)
        {
            // Python writes unpaired surrogates so; such a text is no name of a tensor.
            throw new PickleException("a text in the pickle is not valid UTF-8");
        }
    }

    private int Byte()
    {
        int value = _stream.ReadByte();
        return value >= 0 ? value : throw new EndOfStreamException();
    }

    private long Length(int bytes)
    {
        Span<byte> length = stackalloc byte[8];
        Take(bytes).CopyTo(length);
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(length);
        return value <= long.MaxValue ? (long)value : throw new EndOfStreamException();
    }

    private byte[] Take(long count)
    {
        // The check comes first: a length that the file only claims must not allocate.
        if (count > _limit - _stream.Position || count > Array.MaxLength)
            throw new EndOfStreamException();
        var bytes = new byte[count];
        _stream.ReadExactly(bytes);
        return bytes;
    }

    private string Line()
    {
        var line = new List<byte>();
        for (int value = Byte(); value != '\n'; value = Byte())
            line.Add((byte)value);
        return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
    }
}
