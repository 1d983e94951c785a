using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace CsUnet.Tests.Support;

/// <summary>Writes PNG files of any colour type and depth for tests, straight or interlaced, with added chunks.</summary>
internal static class PngFileWriter
{
    private static readonly (int Y, int X, int Down, int Across)[] s_passes =
        [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)];

    /// <summary>A file of rows in all five filters in turn.</summary>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="bits">Bits per sample.</param>
    /// <param name="colourType">0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.</param>
    /// <param name="sample">Sample [row, column, channel].</param>
    /// <param name="interlaced">Adam7.</param>
    /// <param name="chunks">Chunks before the picture.</param>
    public static byte[] Write(int height, int width, int bits, int colourType, Func<int, int, int, int> sample, bool interlaced = false,
        params (string Type, byte[] Data)[] chunks)
    {
        int samples = colourType switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        using var raw = new MemoryStream();
        foreach ((int top, int left, int down, int across) in interlaced ? s_passes : [(0, 0, 1, 1)])
        {
            int columns = (width - left + across - 1) / across, pixelBytes = Math.Max(1, samples * bits / 8);
            byte[] above = new byte[(columns * samples * bits + 7) / 8];
            for (int y = top, index = 0; columns > 0 && y < height; y += down, index++)
            {
                byte[] row = new byte[above.Length];
                for (int i = 0; i < columns * samples; i++)
                {
                    int value = sample(y, left + i / samples * across, i % samples);
                    if (bits == 16)
                        BinaryPrimitives.WriteUInt16BigEndian(row.AsSpan(2 * i), (ushort)value);
                    else
                        row[i * bits / 8] |= (byte)(value << (8 - bits - i * bits % 8));
                }
                int filter = index % 5;
                raw.WriteByte((byte)filter);
                for (int i = 0; i < row.Length; i++)
                {
                    int a = i >= pixelBytes ? row[i - pixelBytes] : 0, b = above[i], c = i >= pixelBytes ? above[i - pixelBytes] : 0;
                    int p = a + b - c, nearest = Math.Abs(p - a) <= Math.Abs(p - b) && Math.Abs(p - a) <= Math.Abs(p - c) ? a
                        : Math.Abs(p - b) <= Math.Abs(p - c) ? b : c;
                    raw.WriteByte((byte)(row[i] - filter switch { 1 => a, 2 => b, 3 => (a + b) / 2, 4 => nearest, _ => 0 }));
                }
                above = row;
            }
        }
        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(raw.ToArray());
        byte[] data = compressed.ToArray();
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)bits, (byte)colourType, (byte)(interlaced ? 1 : 0));
        // Two chunks of data, because readers must join them.
        return [0x89, .. "PNG\r\n\x1A\n"u8, .. Chunk("IHDR", header), .. chunks.SelectMany(chunk => Chunk(chunk.Type, chunk.Data)),
            .. Chunk("IDAT", data[..(data.Length / 2)]), .. Chunk("IDAT", data[(data.Length / 2)..]), .. Chunk("IEND", [])];
    }

    /// <summary>A chunk with its checksum.</summary>
    public static byte[] Chunk(string type, byte[] data)
    {
        byte[] chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        Encoding.Latin1.GetBytes(type).CopyTo(chunk, 4);
        data.CopyTo(chunk, 8);
        uint crc = uint.MaxValue;
        foreach (byte value in chunk.AsSpan(4, 4 + data.Length))
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
        }
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), ~crc);
        return chunk;
    }

    /// <summary>An EXIF block that holds an orientation alone.</summary>
    public static byte[] Exif(int orientation, bool littleEndian = true) => littleEndian
        ? [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0]
        : [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0];
}
