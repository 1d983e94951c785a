using System.Buffers.Binary;
using System.Text;

namespace CsUnet.Weights;

/// <summary>Reads the fields of a protocol-buffer message (https://protobuf.dev/programming-guides/encoding), one after another.</summary>
/// <param name="message">The message's bytes.</param>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> _message = message;
    private int _position;

    /// <summary>The number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>The value of a field of a fixed or variable length; for others 0.</summary>
    public ulong Number { get; private set; }

    /// <summary>The bytes of a text, a message or a packed list; for others empty.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Where <see cref="Bytes"/> begins in the message.</summary>
    public int Start { get; private set; }

    /// <summary>Whether the field has a length of its own.</summary>
    public bool HasBytes { get; private set; }

    /// <summary>The bytes as UTF-8.</summary>
    public readonly string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>Moves to the next field.</summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="InvalidDataException">The message is damaged.</exception>
    public bool Read()
    {
        if (_position == _message.Length)
            return false;
        ulong key = VarInt();
        (Field, Number, HasBytes) = ((int)Math.Min(key >> 3, int.MaxValue), 0, false);
        Bytes = default;
        switch (key & 7)
        {
            case 0:
                Number = VarInt();
                break;
            case 1:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                ulong length = VarInt();
                if (length > (ulong)(_message.Length - _position))
                    throw new InvalidDataException("a field is longer than its message");
                Start = _position;
                Bytes = Take((int)length);
                HasBytes = true;
                break;
            case 5:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw new InvalidDataException("a field has an unknown type");
        }
        return true;
    }

    /// <summary>The whole numbers of a repeated field, packed or one.</summary>
    public readonly List<long> Integers()
    {
        if (!HasBytes)
            return [(long)Number];
        var values = new List<long>();
        var packed = new ProtobufReader(Bytes);
        while (packed._position < packed._message.Length)
            values.Add((long)packed.VarInt());
        return values;
    }

    private ulong VarInt()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Take(1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
        throw new InvalidDataException("a number is too long");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _message.Length - _position)
            throw new InvalidDataException("the message ends too early");
        ReadOnlySpan<byte> bytes = _message.Slice(_position, count);
        _position += count;
        return bytes;
    }
}
