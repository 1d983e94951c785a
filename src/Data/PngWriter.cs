using System.Buffers.Binary;
using System.IO.Compression;

namespace CsUnet.Data;

/// <summary>
/// Writes PNG files (ISO/IEC 15948). libvips cannot do this: it quantises to build a palette, but here the palette indices are the labels.
/// </summary>
internal static class PngWriter
{
    private const byte Grey = 0, TrueColour = 2, Indexed = 3;
    private static ReadOnlySpan<byte> Mark => "Software\0CsUnet.Engine"u8;

    /// <summary>The first bytes of a PNG file.</summary>
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Whether a file is a PNG that this class wrote.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As for <see cref="IOException"/>.</exception>
    public static bool Wrote(string path)
    {
        const int header = 8 + 25, name = 8;
        byte[] start = new byte[header + name + Mark.Length];
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && start.AsSpan().StartsWith(Signature) && start.AsSpan(header + name).SequenceEqual(Mark);
    }

    public static void WriteImage(Stream stream, Image image)
    {
        Header(stream, image.Height, image.Width, image.Channels == 1 ? Grey : TrueColour);
        Data(stream, image.Pixels, image.Height, image.Width * image.Channels, image.Channels, filter: true);
    }

    public static void WriteIndexed(Stream stream, ReadOnlySpan<byte> indices, int height, int width, IReadOnlyList<Rgb> palette)
    {
        Header(stream, height, width, Indexed);
        byte[] colours = new byte[palette.Count * 3];
        for (int i = 0; i < palette.Count; i++)
            (colours[3 * i], colours[3 * i + 1], colours[3 * i + 2]) = (palette[i].R, palette[i].G, palette[i].B);
        Chunk(stream, "PLTE"u8, colours);
        Data(stream, indices, height, width, 1, filter: false);
    }

    private static void Header(Stream stream, int height, int width, byte colourType)
    {
        stream.Write(Signature);
        Span<byte> header = stackalloc byte[13];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8; // bits per sample
        header[9] = colourType;
        Chunk(stream, "IHDR"u8, header);
        // Keyword, zero, text. It comes first, so that the beginning of a file says who wrote it.
        Chunk(stream, "tEXt"u8, Mark);
    }

    private static void Data(Stream stream, ReadOnlySpan<byte> pixels, int height, int rowBytes, int pixelBytes, bool filter)
    {
        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            byte[] line = new byte[rowBytes + 1];
            for (int y = 0; y < height; y++)
            {
                ReadOnlySpan<byte> row = pixels.Slice(y * rowBytes, rowBytes);
                // Filter 1 stores differences to the left pixel, which compresses photographs; labels compress best without a filter.
                line[0] = (byte)(filter ? 1 : 0);
                row.CopyTo(line.AsSpan(1));
                if (filter)
                    for (int i = pixelBytes; i < rowBytes; i++)
                        line[i + 1] = (byte)(row[i] - row[i - pixelBytes]);
                zlib.Write(line);
            }
        }
        // Chunk lengths are 31 bits, and readers expect moderate ones.
        const int largest = 1 << 20;
        ReadOnlySpan<byte> bytes = compressed.GetBuffer().AsSpan(0, (int)compressed.Length);
        for (int start = 0; start < bytes.Length; start += largest)
            Chunk(stream, "IDAT"u8, bytes.Slice(start, Math.Min(largest, bytes.Length - start)));
        Chunk(stream, "IEND"u8, []);
    }

    private static void Chunk(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, data.Length);
        stream.Write(word);
        stream.Write(type);
        stream.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(word, ~Crc(Crc(uint.MaxValue, type), data));
        stream.Write(word);
    }

    /// <summary>The checksum of a chunk: of its type and data.</summary>
    public static uint Checksum(ReadOnlySpan<byte> typeAndData) => ~Crc(uint.MaxValue, typeAndData);

    private static readonly uint[] s_table = MakeTable();

    private static uint Crc(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (byte value in data)
            crc = s_table[(byte)(crc ^ value)] ^ (crc >> 8);
        return crc;
    }

    private static uint[] MakeTable()
    {
        uint[] table = new uint[256];
        for (uint n = 0; n < 256; n++)
        {
            uint c = n;
            for (int bit = 0; bit < 8; bit++)
                c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
            table[n] = c;
        }
        return table;
    }
}
