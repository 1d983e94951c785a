using System.IO.Compression;

namespace CsUnet.Tests.Support;

/// <summary>One directory of a TIFF file that a test builds: samples in any layout, and fields that are added or replaced.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Sample">The bits of sample [row, column, channel].</param>
internal sealed record TiffPage(int Height, int Width, Func<int, int, int, ulong> Sample)
{
    public int Samples { get; init; } = 1;

    public int Bits { get; init; } = 8;

    public int Photometric { get; init; } = 1;

    /// <summary>1 none, 8 Deflate, 32773 PackBits.</summary>
    public int Compression { get; init; } = 1;

    public bool IsPlanar { get; init; }

    /// <summary>Side of square tiles; 0 for strips.</summary>
    public int Tile { get; init; }

    public int RowsPerStrip { get; init; } = int.MaxValue;

    /// <summary>Fields of 16-bit numbers (32-bit ones where a value needs it); an empty array leaves a field out.</summary>
    public Dictionary<int, long[]> Fields { get; init; } = [];

    /// <summary>Fields of text.</summary>
    public Dictionary<int, string> Texts { get; init; } = [];

    /// <summary>Changes the stored bytes of a block, by its index.</summary>
    public Func<int, byte[], byte[]> Change { get; init; } = static (_, bytes) => bytes;

    /// <summary>Bytes that follow the last block.</summary>
    public byte[] Trailer { get; init; } = [];

    /// <summary>The strips or tiles, plane after plane.</summary>
    public List<byte[]> Blocks(bool littleEndian)
    {
        var blocks = new List<byte[]>();
        int height = Tile > 0 ? Tile : Math.Min(RowsPerStrip, Height), width = Tile > 0 ? Tile : Width;
        for (int plane = 0; plane < (IsPlanar ? Samples : 1); plane++)
            for (int top = 0; top < Height; top += height)
                for (int left = 0; left < Width; left += width)
                {
                    using var bytes = new MemoryStream();
                    for (int y = top; y < (Tile > 0 ? top + height : Math.Min(top + height, Height)); y++)
                        bytes.Write(Row(y, left, width, plane, littleEndian));
                    blocks.Add(Change(blocks.Count, Compress(bytes.ToArray())));
                }
        return blocks;
    }

    private byte[] Row(int y, int left, int width, int plane, bool littleEndian)
    {
        int perPixel = IsPlanar ? 1 : Samples;
        byte[] row = new byte[(width * perPixel * Bits + 7) / 8];
        for (int x = 0, i = 0; x < width; x++)
            for (int c = 0; c < perPixel; c++, i++)
            {
                // Tiles reach beyond the picture: what stands there must not matter.
                ulong value = y < Height && left + x < Width ? Sample(y, left + x, IsPlanar ? plane : c) : ulong.MaxValue;
                for (int b = 0; b < Bits; b++)
                {
                    int significance = Bits - 1 - b; // the first bit is the most significant one
                    if ((value >> significance & 1) == 0)
                        continue;
                    int bit = Bits % 8 == 0 && Bits > 8 && littleEndian ? significance / 8 * 8 + 7 - significance % 8 : b;
                    row[(i * Bits + bit) / 8] |= (byte)(0x80 >> (i * Bits + bit) % 8);
                }
            }
        return row;
    }

    private byte[] Compress(byte[] bytes)
    {
        using var result = new MemoryStream();
        switch (Compression)
        {
            case 8:
                using (var zlib = new ZLibStream(result, CompressionLevel.Fastest, leaveOpen: true))
                    zlib.Write(bytes);
                return result.ToArray();
            case 32773:
                for (int i = 0; i < bytes.Length;)
                {
                    int run = 1;
                    while (i + run < bytes.Length && run < 100 && bytes[i + run] == bytes[i])
                        run++;
                    if (run > 1)
                        result.Write([(byte)(1 - run), bytes[i]]);
                    else
                        result.Write([0, bytes[i]]);
                    i += run;
                }
                return result.ToArray();
            default:
                return bytes;
        }
    }
}
