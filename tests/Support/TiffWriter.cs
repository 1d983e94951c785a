using System.Buffers.Binary;
using System.Text;

namespace CsUnet.Tests.Support;

/// <summary>Writes TIFF files for tests: either byte order, classic or BigTIFF, any number of directories and sub-directories.</summary>
internal static class TiffWriter
{
    public static byte[] Write(params TiffPage[] pages) => Write(true, false, pages, []);

    /// <summary>Writes directories, and sub-directories of the first.</summary>
    public static byte[] Write(bool littleEndian, bool big, TiffPage[] pages, TiffPage[] inner)
    {
        using var file = new MemoryStream();
        var writer = new Numbers(file, littleEndian);
        file.Write(littleEndian ? "II"u8 : "MM"u8);
        writer.Number(big ? 43UL : 42, 2);
        if (big)
        {
            writer.Number(8, 2);
            writer.Number(0, 2);
        }
        int link = (int)file.Position;
        writer.Number(0, big ? 8 : 4);
        long[] subdirectories = [.. inner.Select(page => Directory(writer, page, big, []).Start)];
        for (int i = 0; i < pages.Length; i++)
        {
            (long start, int next) = Directory(writer, pages[i], big, i == 0 ? subdirectories : []);
            file.Position = link;
            writer.Number((ulong)start, big ? 8 : 4);
            file.Position = file.Length;
            link = next;
        }
        return file.ToArray();
    }

    private static (long Start, int Link) Directory(Numbers writer, TiffPage page, bool big, long[] subdirectories)
    {
        MemoryStream file = writer.File;
        List<byte[]> blocks = page.Blocks(writer.IsLittleEndian);
        var offsets = new List<long>();
        foreach (byte[] block in blocks)
        {
            offsets.Add(file.Position);
            file.Write(block);
        }
        file.Write(page.Trailer);
        var fields = new SortedDictionary<int, long[]>
        {
            [256] = [page.Width],
            [257] = [page.Height],
            [258] = [.. Enumerable.Repeat((long)page.Bits, page.Samples)],
            [259] = [page.Compression],
            [262] = [page.Photometric],
            [277] = [page.Samples],
            [284] = [page.IsPlanar ? 2 : 1],
            [page.Tile > 0 ? 324 : 273] = [.. offsets],
            [page.Tile > 0 ? 325 : 279] = [.. blocks.Select(block => (long)block.Length)],
        };
        if (page.Tile > 0)
            (fields[322], fields[323]) = ([page.Tile], [page.Tile]);
        else
            fields[278] = [Math.Min(page.RowsPerStrip, page.Height)];
        if (subdirectories.Length > 0)
            fields[330] = subdirectories;
        foreach ((int tag, long[] values) in page.Fields)
            fields[tag] = values;
        var all = new SortedDictionary<int, (int Type, long Count, byte[] Bytes)>();
        foreach ((int tag, long[] values) in fields)
        {
            if (values.Length == 0)
                continue;
            int size = values.Any(value => value > ushort.MaxValue) || tag is 273 or 324 or 330 ? 4 : 2;
            all[tag] = (size == 4 ? 4 : 3, values.Length, [.. values.SelectMany(value => writer.Bytes((ulong)value, size))]);
        }
        foreach ((int tag, string text) in page.Texts)
            all[tag] = (2, text.Length + 1, [.. Encoding.Latin1.GetBytes(text), 0]);
        int inline = big ? 8 : 4;
        var places = new Dictionary<int, long>();
        foreach ((int tag, (int _, long _, byte[] bytes)) in all)
            if (bytes.Length > inline)
            {
                places[tag] = file.Position;
                file.Write(bytes);
            }
        long start = file.Position;
        writer.Number((ulong)all.Count, big ? 8 : 2);
        foreach ((int tag, (int type, long count, byte[] bytes)) in all)
        {
            writer.Number((ulong)tag, 2);
            writer.Number((ulong)type, 2);
            writer.Number((ulong)count, inline);
            if (places.TryGetValue(tag, out long place))
                writer.Number((ulong)place, inline);
            else
                file.Write([.. bytes, .. new byte[inline - bytes.Length]]);
        }
        int link = (int)file.Position;
        writer.Number(0, inline);
        return (start, link);
    }

    private sealed class Numbers(MemoryStream file, bool littleEndian)
    {
        public MemoryStream File => file;

        public bool IsLittleEndian => littleEndian;

        public byte[] Bytes(ulong value, int size)
        {
            byte[] bytes = new byte[8];
            if (littleEndian)
                BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            else
                BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
            return littleEndian ? bytes[..size] : bytes[(8 - size)..];
        }

        public void Number(ulong value, int size) => file.Write(Bytes(value, size));
    }
}
