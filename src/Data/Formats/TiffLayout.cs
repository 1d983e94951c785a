using System.Buffers.Binary;

namespace CsUnet.Data.Formats;

/// <summary>The header of a TIFF file.</summary>
/// <param name="IsLittleEndian">Byte order of all numbers.</param>
/// <param name="IsBig">BigTIFF: offsets of 8 bytes.</param>
/// <param name="FirstDirectory">Offset of the first directory.</param>
internal readonly record struct TiffLayout(bool IsLittleEndian, bool IsBig, long FirstDirectory)
{
    /// <summary>The header at the start of a source; null if it is none.</summary>
    public static TiffLayout? Read(ByteSource source)
    {
        Span<byte> header = stackalloc byte[16];
        header.Clear();
        if (!source.TryRead(0, header[..(int)Math.Min(source.Length, header.Length)]))
            return null;
        bool little = header.StartsWith("II"u8);
        if (!little && !header.StartsWith("MM"u8))
            return null;
        var layout = new TiffLayout(little, false, 0);
        switch (layout.UInt16(header[2..]))
        {
            case 42:
                return layout with { FirstDirectory = layout.UInt32(header[4..]) };
            case 43 when layout.UInt16(header[4..]) == 8:
                ulong first = layout.UInt64(header[8..]);
                return layout with { IsBig = true, FirstDirectory = first > long.MaxValue ? -1 : (long)first };
            default:
                return null;
        }
    }

    public ushort UInt16(ReadOnlySpan<byte> bytes) =>
        IsLittleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    public uint UInt32(ReadOnlySpan<byte> bytes) =>
        IsLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);

    public ulong UInt64(ReadOnlySpan<byte> bytes) =>
        IsLittleEndian ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : BinaryPrimitives.ReadUInt64BigEndian(bytes);
}
