using System.Text;

namespace CsUnet.Data.Formats;

/// <summary>A directory of a TIFF file. Values of fields are read when they are asked for, so that private fields never matter.</summary>
internal sealed class TiffDirectory
{
    private readonly record struct Field(int Type, long Count, long Offset);

    private readonly ByteSource _source;
    private readonly TiffLayout _layout;
    private readonly Dictionary<int, Field> _fields = [];

    private TiffDirectory(ByteSource source, TiffLayout layout, long offset)
    {
        (_source, _layout, Offset) = (source, layout, offset);
    }

    /// <summary>Where it stands.</summary>
    public long Offset { get; }

    /// <summary>Where the next one stands; 0 after the last, -1 if no file can be that long.</summary>
    public long Next { get; private set; }

    /// <summary>Whether its samples are in tiles instead of strips.</summary>
    public bool IsTiled => Has(TiffTag.TileWidth) || Has(TiffTag.TileOffsets);

    /// <summary>The directory at an offset; null if it does not lie within the file.</summary>
    public static TiffDirectory? Read(ByteSource source, TiffLayout layout, long offset)
    {
        int countBytes = layout.IsBig ? 8 : 2, fieldBytes = layout.IsBig ? 20 : 12, offsetBytes = layout.IsBig ? 8 : 4;
        Span<byte> word = stackalloc byte[8];
        if (offset < 8 || !source.TryRead(offset, word[..countBytes]))
            return null;
        ulong count = layout.IsBig ? layout.UInt64(word) : layout.UInt16(word);
        if (count is 0 or > ushort.MaxValue)
            return null;
        byte[] bytes = new byte[(int)count * fieldBytes + offsetBytes];
        if (!source.TryRead(offset + countBytes, bytes))
            return null;
        var directory = new TiffDirectory(source, layout, offset);
        for (int i = 0; i < (int)count; i++)
        {
            ReadOnlySpan<byte> entry = bytes.AsSpan(i * fieldBytes, fieldBytes);
            int type = layout.UInt16(entry[2..]);
            ulong values = layout.IsBig ? layout.UInt64(entry[4..]) : layout.UInt32(entry[4..]);
            // Values that fit stand in the entry itself.
            long place = offset + countBytes + i * (long)fieldBytes + (layout.IsBig ? 12 : 8);
            if (values > (ulong)(offsetBytes / Math.Max(1, SizeOf(type))))
                place = Offset64(layout, entry[(layout.IsBig ? 12 : 8)..]);
            directory._fields.TryAdd(layout.UInt16(entry), new Field(type, values > long.MaxValue ? long.MaxValue : (long)values, place));
        }
        directory.Next = Offset64(layout, bytes.AsSpan(bytes.Length - offsetBytes));
        return directory;
    }

    /// <summary>Whether the field is there.</summary>
    public bool Has(int tag) => _fields.ContainsKey(tag);

    /// <summary>Number of values of a field; 0 if it is not there.</summary>
    public long Count(int tag) => _fields.TryGetValue(tag, out Field field) ? field.Count : 0;

    /// <summary>The first value of a field of whole numbers, or a value for absence.</summary>
    public long Number(int tag, long absent) => Has(tag) ? Numbers(tag, 1)[0] : absent;

    /// <summary>The values of a field of whole numbers; none if it is not there.</summary>
    /// <exception cref="DataException">They lie outside the file, or are not whole numbers.</exception>
    public long[] Numbers(int tag, long most = int.MaxValue)
    {
        if (!_fields.TryGetValue(tag, out Field field))
            return [];
        int size = SizeOf(field.Type), count = (int)Math.Min(field.Count, most);
        bool isWhole = field.Type is 1 or 3 or 4 or 6 or 8 or 9 or 13 or 16 or 17 or 18;
        if (!isWhole || count == 0 || !_source.Holds(field.Offset, (long)count * size))
            throw ImageProblem.Damaged(_source.Path, !isWhole || count == 0
                ? $"TIFF field {tag} has {field.Count} values of type {field.Type}"
                : $"the values of TIFF field {tag} lie beyond the end of the file");
        byte[] bytes = new byte[checked(count * size)];
        if (!_source.TryRead(field.Offset, bytes))
            throw ImageProblem.Damaged(_source.Path, $"TIFF field {tag} cannot be read");
        long[] values = new long[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> value = bytes.AsSpan(i * size, size);
            values[i] = field.Type switch
            {
                1 => value[0],
                6 => (sbyte)value[0],
                3 => _layout.UInt16(value),
                8 => (short)_layout.UInt16(value),
                4 or 13 => _layout.UInt32(value),
                9 => (int)_layout.UInt32(value),
                _ => (long)_layout.UInt64(value),
            };
        }
        return values;
    }

    /// <summary>The bytes of a field; none if it is not there.</summary>
    public byte[] Bytes(int tag)
    {
        if (!_fields.TryGetValue(tag, out Field field))
            return [];
        if (!_source.Holds(field.Offset, field.Count) || field.Count > Array.MaxLength)
            throw ImageProblem.Damaged(_source.Path, $"the values of TIFF field {tag} lie beyond the end of the file");
        byte[] bytes = new byte[field.Count];
        return _source.TryRead(field.Offset, bytes) ? bytes : throw ImageProblem.Damaged(_source.Path, $"TIFF field {tag} cannot be read");
    }

    /// <summary>The text of a field; empty if it is not there or cannot be read, because no sample depends on it alone.</summary>
    public string Text(int tag)
    {
        const int longest = 1 << 16;
        if (!_fields.TryGetValue(tag, out Field field) || field.Type != 2)
            return "";
        byte[] bytes = new byte[Math.Min(field.Count, longest)];
        return _source.TryRead(field.Offset, bytes) ? Encoding.Latin1.GetString(bytes).TrimEnd('\0') : "";
    }

    private static int SizeOf(int type) => type switch
    {
        1 or 2 or 6 or 7 => 1,
        3 or 8 => 2,
        4 or 9 or 11 or 13 => 4,
        5 or 10 or 12 or 16 or 17 or 18 => 8,
        _ => 1,
    };

    private static long Offset64(TiffLayout layout, ReadOnlySpan<byte> bytes)
    {
        ulong offset = layout.IsBig ? layout.UInt64(bytes) : layout.UInt32(bytes);
        return offset > long.MaxValue ? -1 : (long)offset;
    }
}
