using System.IO.Compression;

namespace CsUnet.Data.Formats;

/// <summary>
/// The strips or tiles of a TIFF directory: where they stand, and their samples without compression. Every block must lie within the file
/// and give all of its samples.
/// </summary>
internal sealed class TiffBlocks
{
    private readonly ByteSource _source;
    private readonly TiffLayout _layout;
    private readonly ImageFacts _facts;
    private readonly long[] _offsets, _counts;
    private readonly bool _isReversed;
    private readonly ForeignBlocks _foreign;

    public TiffBlocks(ByteSource source, TiffLayout layout, TiffDirectory page, ImageFacts facts)
    {
        (_source, _layout, _facts) = (source, layout, facts);
        IsTiled = page.IsTiled;
        Compression = (int)page.Number(TiffTag.Compression, TiffCompression.None);
        Predictor = Compression is TiffCompression.Lzw or TiffCompression.Deflate or TiffCompression.OldDeflate
            ? (int)page.Number(TiffTag.Predictor, TiffPredictor.None)
            : TiffPredictor.None;
        _isReversed = page.Number(TiffTag.FillOrder, 1) == 2;
        IsPlanar = facts.Samples > 1 && page.Number(TiffTag.PlanarConfiguration, 1) == 2;
        Width = IsTiled ? Size(page, TiffTag.TileWidth) : facts.Width;
        Height = IsTiled
            ? Size(page, TiffTag.TileLength)
            : (int)Math.Min(page.Number(TiffTag.RowsPerStrip, uint.MaxValue), facts.Height);
        if (Height < 1)
            throw ImageProblem.Damaged(source.Path, "a strip has no rows");
        long count = (long)Across * Down * (IsPlanar ? facts.Samples : 1);
        _offsets = Table(page, IsTiled ? TiffTag.TileOffsets : TiffTag.StripOffsets, count);
        _counts = page.Has(CountTag) || Compression != TiffCompression.None || count > 1
            ? Table(page, CountTag, count)
            : [0];
        // A single uncompressed strip needs no count.
        if (count == 1 && Compression == TiffCompression.None && _counts[0] == 0 && _offsets[0] > 0)
            _counts[0] = RowBytes * facts.Height;
        _foreign = new ForeignBlocks(source.Path, page, IsPlanar ? 1 : facts.Samples);
        Check();
    }

    public bool IsTiled { get; }

    /// <summary>Whether each sample of the pixels has blocks of its own.</summary>
    public bool IsPlanar { get; }

    public int Compression { get; }

    public int Predictor { get; }

    /// <summary>Rows of a block; the last strip may have fewer.</summary>
    public int Height { get; }

    /// <summary>Columns of a block.</summary>
    public int Width { get; }

    /// <summary>Blocks in a row of blocks.</summary>
    public int Across => (_facts.Width - 1) / Width + 1;

    /// <summary>Rows of blocks.</summary>
    public int Down => (_facts.Height - 1) / Height + 1;

    /// <summary>Samples per pixel in a block.</summary>
    public int Samples => IsPlanar ? 1 : _facts.Samples;

    /// <summary>Bytes of a row of a block.</summary>
    public long RowBytes => ((long)Width * Samples * _facts.Bits + 7) / 8;

    private int CountTag => IsTiled ? TiffTag.TileByteCounts : TiffTag.StripByteCounts;

    private string Noun => IsTiled ? "tile" : "strip";

    /// <summary>Whether a block's data are those of lossless WebP.</summary>
    public bool IsLosslessWebp(int index) => ForeignBlocks.IsLosslessWebp(Stored(index));

    /// <summary>Number of blocks.</summary>
    public int Count => _offsets.Length;

    /// <summary>
    /// Gives the rows of a block in pieces, from the top, with what precedes compression restored: (first row within the block, rows,
    /// bytes). Uncompressed blocks come in pieces of a few megabytes, others whole.
    /// </summary>
    public IEnumerable<(int First, int Rows, ReadOnlyMemory<byte> Bytes)> Rows(int index)
    {
        int rows = RowsOf(index), piece = rows;
        if (Compression == TiffCompression.None)
            piece = (int)Math.Clamp((4L << 20) / RowBytes, 1, rows);
        byte[] buffer = new byte[checked((int)(RowBytes * piece))];
        for (int first = 0; first < rows; first += piece)
        {
            int count = Math.Min(piece, rows - first);
            Memory<byte> part = buffer.AsMemory(0, (int)(RowBytes * count));
            if (Compression == TiffCompression.None)
            {
                if (!_source.TryRead(_offsets[index] + first * RowBytes, part.Span))
                    throw Damaged(index, "cannot be read");
                Reverse(part.Span);
            }
            else
            {
                Decompress(index, rows, part.Span);
            }
            if (Predictor != TiffPredictor.None)
                for (int y = 0; y < count; y++)
                    TiffPredictor.Undo(part.Span.Slice((int)(y * RowBytes), (int)RowBytes), Predictor, _facts.Bits, Samples,
                        _layout.IsLittleEndian);
            yield return (first, count, part);
        }
    }

    private int RowsOf(int index) => IsTiled ? Height : Math.Min(Height, _facts.Height - index / Across % Down * Height);

    private void Decompress(int index, int rows, Span<byte> output)
    {
        byte[] stored = Stored(index);
        if (Compression is not (TiffCompression.Jpeg or TiffCompression.Webp) && !TiffCompression.IsFax(Compression))
            Reverse(stored);
        int written;
        switch (Compression)
        {
            case TiffCompression.Lzw:
                // An early writer packed codes from the other end.
                if (stored.Length > 1 && stored[0] == 0 && (stored[1] & 1) == 1)
                    throw ImageProblem.NotRead(_source.Path, "it is compressed with the old form of LZW", TiffCompression.Read,
                        "save it again with present-day software");
                written = LzwDecoder.Decode(stored, output);
                break;
            case TiffCompression.PackBits:
                written = TiffCompression.DecodePackBits(stored, output);
                break;
            case TiffCompression.Deflate or TiffCompression.OldDeflate:
                written = Inflate(index, stored, output);
                break;
            default:
                _foreign.Decode(Compression, stored, Width, rows, $"{Noun} {index + 1}", output);
                written = output.Length;
                break;
        }
        if (written < 0)
            throw Damaged(index, "holds an impossible code");
        if (written < output.Length)
            throw Damaged(index, $"gives {written} of {output.Length} bytes");
    }

    // The stream does not say whether it came to its checksum, or ran out of data before: so the checksum is computed here too.
    private int Inflate(int index, byte[] stored, Span<byte> output)
    {
        using var stream = new ZLibStream(new MemoryStream(stored), CompressionMode.Decompress);
        try
        {
            int written = stream.ReadAtLeast(output, output.Length, throwOnEndOfStream: false);
            var checksum = new Adler32();
            checksum.Add(output[..written]);
            // Some writers fill the last strip with rows that the picture does not have.
            Span<byte> rest = stackalloc byte[4096];
            for (int more = written; more > 0; checksum.Add(rest[..more]))
                more = stream.Read(rest);
            if (written == output.Length && stored.AsSpan().LastIndexOf(checksum.Bytes) < 0)
                throw Damaged(index, "ends before its checksum");
            return written;
        }
        catch (InvalidDataException failure)
        {
            throw Damaged(index, "has wrong Deflate data or a wrong checksum", failure);
        }
    }

    private byte[] Stored(int index)
    {
        byte[] stored = GC.AllocateUninitializedArray<byte>(checked((int)_counts[index]));
        return _source.TryRead(_offsets[index], stored) ? stored : throw Damaged(index, "cannot be read");
    }

    private void Reverse(Span<byte> bytes)
    {
        if (!_isReversed)
            return;
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)((bytes[i] * 0x0202020202UL & 0x010884422010UL) % 1023);
    }

    private int Size(TiffDirectory page, int tag)
    {
        long size = page.Number(tag, 0);
        return size is > 0 and <= 1 << 20 ? (int)size : throw ImageProblem.Damaged(_source.Path, $"a tile side has {size} pixels");
    }

    private long[] Table(TiffDirectory page, int tag, long count)
    {
        if (page.Count(tag) < count)
            throw ImageProblem.Damaged(_source.Path, $"{page.Count(tag)} of the {count} {Noun}s of the picture are listed");
        return page.Numbers(tag, count);
    }

    private void Check()
    {
        int ratio = TiffCompression.LargestRatio(Compression);
        for (int i = 0; i < _offsets.Length; i++)
        {
            long needed = RowBytes * RowsOf(i);
            if (_offsets[i] == 0 || _counts[i] <= 0)
                throw ImageProblem.NotRead(_source.Path, $"{Noun} {i + 1} of {_offsets.Length} has no data", $"data of every {Noun}",
                    $"the file is damaged, or its writer left out empty {Noun}s: restore it, or write it again with all of them");
            if (!_source.Holds(_offsets[i], _counts[i]))
                throw Damaged(i, "lies beyond the end of the file");
            if (ratio > 0 && _counts[i] * (double)ratio < needed)
                throw Damaged(i, $"has {_counts[i]} bytes, too few for the {needed} bytes of its samples");
            long together = Compression == TiffCompression.None ? RowBytes : Math.Max(needed, _counts[i]);
            if (together > Array.MaxLength)
                throw ImageProblem.NotRead(_source.Path, $"a {Noun} or its row has {together} bytes", $"at most {Array.MaxLength}",
                    "cut the picture into smaller ones, or save it with smaller strips");
        }
    }

    private DataException Damaged(int index, string found, Exception? inner = null) =>
        ImageProblem.Damaged(_source.Path, $"{Noun} {index + 1} of {Count} {found}", inner);
}
