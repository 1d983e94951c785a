using System.Buffers.Binary;
using System.IO.Compression;

namespace CsUnet.Data.Formats;

/// <summary>A PNG file (ISO/IEC 15948): all colour types, depths and interlacing, with every checksum of what is read.</summary>
internal sealed class PngFile : IImageDecoder
{
    private const int Grey = 0, TrueColour = 2, Indexed = 3, GreyAlpha = 4, TrueColourAlpha = 6;

    // Adam7: first row, first column, and the steps to the next.
    private static readonly (int Y, int X, int Down, int Across)[] s_passes =
        [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)];

    private readonly byte[] _file;
    private readonly List<(int Start, int Length)> _data = [];
    private readonly bool _isInterlaced;
    private readonly int _stored;
    private readonly ushort[]? _transparent;

    public PngFile(string path, byte[] file)
    {
        _file = file;
        ImageFacts? facts = null;
        var notices = new List<string>();
        Rgb[]? palette = null;
        byte[] alphas = [];
        int orientation = 1;
        string? several = null;
        foreach ((string type, int start, int length) in Chunks(path))
        {
            ReadOnlySpan<byte> chunk = file.AsSpan(start, length);
            if ((facts is null) != (type == "IHDR"))
                throw ImageProblem.Damaged(path, $"chunk {type} stands in the wrong place");
            switch (type)
            {
                case "IHDR":
                    facts = Header(path, chunk, out _isInterlaced);
                    break;
                case "PLTE":
                    palette = ReadPalette(path, chunk);
                    break;
                case "tRNS" when facts!.Model == ColourModel.Palette:
                    alphas = chunk.ToArray();
                    break;
                case "tRNS" when facts!.Alpha == AlphaKind.None && length == 2 * facts.Samples:
                    _transparent = new ushort[facts.Samples];
                    for (int c = 0; c < facts.Samples; c++)
                        _transparent[c] = BinaryPrimitives.ReadUInt16BigEndian(chunk[(2 * c)..]);
                    break;
                case "IDAT":
                    _data.Add((start, length));
                    break;
                case "eXIf":
                    orientation = ExifOrientation.Read(path, file.AsMemory(start, length), notices);
                    break;
                case "acTL" when length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(chunk) > 1:
                    several = $"an animation of {BinaryPrimitives.ReadUInt32BigEndian(chunk)} images";
                    break;
            }
        }
        if (_data.Count == 0)
            throw ImageProblem.Damaged(path, "no picture data");
        facts = facts! with { Orientation = orientation, Several = several, Notices = notices };
        _stored = facts.Samples;
        if (facts.Model == ColourModel.Palette)
            facts = facts with { Palette = new Palette(palette ?? throw ImageProblem.Damaged(path, "the palette is missing"), alphas) };
        // A colour that stands for transparency becomes an alpha channel.
        if (_transparent is not null)
            facts = facts with { Alpha = AlphaKind.Unassociated, AlphaSample = _stored, Samples = _stored + 1 };
        Facts = facts;
    }

    public ImageFacts Facts { get; }

    public long ScratchBytes => _file.Length + 2 * RowBytes(Facts.Width);

    public SampleData Decode(int[] take, bool mask)
    {
        const int largestRatio = 1032;
        long compressed = _data.Sum(part => (long)part.Length);
        if (compressed * largestRatio < (RowBytes(Facts.Width) + 1) * Facts.Height)
            throw ImageProblem.Damaged(Facts.Path, $"{compressed} bytes of data are too few for {Facts.Height}x{Facts.Width} pixels");
        var data = new SampleData(Facts, take.Length, mask);
        var unpacker = new SampleUnpacker(Facts, false, data, mask);
        int[] stored = [.. take.Where(sample => sample < _stored)];
        byte[] joined = GC.AllocateUninitializedArray<byte>(checked((int)compressed));
        int end = 0;
        foreach ((int start, int length) in _data)
        {
            _file.AsSpan(start, length).CopyTo(joined.AsSpan(end));
            end += length;
        }
        using var stream = new ZLibStream(new MemoryStream(joined), CompressionMode.Decompress);
        foreach ((int firstRow, int firstColumn, int down, int across) in _isInterlaced ? s_passes : [(0, 0, 1, 1)])
        {
            int columns = (Facts.Width - firstColumn + across - 1) / across;
            if (columns <= 0)
                continue;
            int rowBytes = (int)RowBytes(columns), pixelBytes = Math.Max(1, _stored * Facts.Bits / 8);
            byte[] row = new byte[rowBytes + 1], above = new byte[rowBytes + 1];
            for (int y = firstRow; y < Facts.Height; y += down)
            {
                Fill(stream, row, y);
                Unfilter(row, above, pixelBytes);
                unpacker.Read(row.AsSpan(1), _stored, stored, 0, columns, y, firstColumn, across);
                if (stored.Length < take.Length)
                    MarkTransparent(row.AsSpan(1), data, columns, y, firstColumn, across);
                (row, above) = (above, row);
            }
        }
        try
        {
            _ = stream.ReadByte(); // beyond the last sample stands the checksum
        }
        catch (InvalidDataException failure)
        {
            throw ImageProblem.Damaged(Facts.Path, "the checksum of the picture data is wrong", failure);
        }
        return data;
    }

    private long RowBytes(int columns) => ((long)columns * _stored * Facts.Bits + 7) / 8;

    private void Fill(ZLibStream stream, byte[] row, int y)
    {
        try
        {
            int read = stream.ReadAtLeast(row, row.Length, throwOnEndOfStream: false);
            if (read < row.Length)
                throw ImageProblem.Damaged(Facts.Path, $"the picture data end in row {y} of {Facts.Height}");
        }
        catch (InvalidDataException failure)
        {
            throw ImageProblem.Damaged(Facts.Path, $"the picture data are wrong in row {y} of {Facts.Height}", failure);
        }
        if (row[0] > 4)
            throw ImageProblem.Damaged(Facts.Path, $"row {y} has filter {row[0]}");
    }

    // row[0] is the filter. Of a pass's first row, all samples above are 0.
    private static void Unfilter(Span<byte> row, ReadOnlySpan<byte> above, int pixelBytes)
    {
        byte filter = row[0];
        row[0] = 0;
        if (filter == 2)
            for (int i = 1; i < row.Length; i++)
                row[i] += above[i];
        if (filter is 0 or 2)
            return;
        for (int i = 1; i < row.Length; i++)
        {
            int left = i > pixelBytes ? row[i - pixelBytes] : 0;
            row[i] += (byte)(filter switch
            {
                1 => left,
                3 => (left + above[i]) / 2,
                _ => Paeth(left, above[i], i > pixelBytes ? above[i - pixelBytes] : 0),
            });
        }
    }

    private static int Paeth(int left, int up, int corner)
    {
        int estimate = left + up - corner;
        int toLeft = Math.Abs(estimate - left), toUp = Math.Abs(estimate - up), toCorner = Math.Abs(estimate - corner);
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }

    private void MarkTransparent(ReadOnlySpan<byte> row, SampleData data, int columns, int y, int x, int step)
    {
        int opaque = (1 << Facts.Bits) - 1;
        for (int i = 0; i < columns; i++)
        {
            bool isTransparent = true;
            for (int c = 0; c < _stored; c++)
                isTransparent &= Sample(row, i * _stored + c) == (_transparent![c] & opaque);
            int target = (y * Facts.Width + x + i * step) * data.Channels + data.Channels - 1;
            if (data.Bytes is { } bytes)
                bytes[target] = (byte)(isTransparent ? 0 : opaque);
            else
                data.Words![target] = (ushort)(isTransparent ? 0 : opaque);
        }
    }

    private int Sample(ReadOnlySpan<byte> row, int index) => Facts.Bits switch
    {
        16 => BinaryPrimitives.ReadUInt16BigEndian(row[(2 * index)..]),
        8 => row[index],
        _ => row[index * Facts.Bits / 8] >> (8 - Facts.Bits - index * Facts.Bits % 8) & ((1 << Facts.Bits) - 1),
    };

    /// <summary>The chunks up to the end, in order. Damaged ones that no sample depends on are left out.</summary>
    private List<(string Type, int Start, int Length)> Chunks(string path)
    {
        var chunks = new List<(string, int, int)>();
        int at = 8;
        while (at + 12 <= _file.Length)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(_file.AsSpan(at));
            if (length > (uint)(_file.Length - at - 12))
                break;
            ReadOnlySpan<byte> typeAndData = _file.AsSpan(at + 4, (int)length + 4);
            string type = System.Text.Encoding.Latin1.GetString(typeAndData[..4]);
            bool isSound = PngWriter.Checksum(typeAndData) == BinaryPrimitives.ReadUInt32BigEndian(_file.AsSpan(at + 8 + (int)length));
            bool isNeeded = char.IsUpper(type[0]) || type == "tRNS";
            if (isNeeded && !isSound)
                throw ImageProblem.Damaged(path, $"the checksum of the chunk at byte {at} is wrong");
            if (type == "CgBI")
                throw ImageProblem.NotRead(path, "this is a PNG changed for iOS", "a PNG by the standard", "save it again as PNG or TIFF");
            if (type == "IEND")
                return chunks;
            if (char.IsUpper(type[0]) && type is not ("IHDR" or "PLTE" or "IDAT"))
                throw ImageProblem.NotRead(path, $"the chunk at byte {at} is needed to show the picture and is of an unknown kind",
                    "a PNG by the standard", "save it again as PNG or TIFF");
            if (isSound)
                chunks.Add((type, at + 8, (int)length));
            at += 12 + (int)length;
        }
        throw ImageProblem.Damaged(path, "the file ends before the picture does");
    }

    private static ImageFacts Header(string path, ReadOnlySpan<byte> chunk, out bool isInterlaced)
    {
        isInterlaced = false;
        if (chunk.Length != 13)
            throw ImageProblem.Damaged(path, "the header has a wrong length");
        uint width = BinaryPrimitives.ReadUInt32BigEndian(chunk), height = BinaryPrimitives.ReadUInt32BigEndian(chunk[4..]);
        int bits = chunk[8], type = chunk[9];
        bool isValid = type switch
        {
            Grey => bits is 1 or 2 or 4 or 8 or 16,
            Indexed => bits is 1 or 2 or 4 or 8,
            TrueColour or GreyAlpha or TrueColourAlpha => bits is 8 or 16,
            _ => false,
        };
        if (!isValid || width is 0 or > int.MaxValue || height is 0 or > int.MaxValue || chunk[10] != 0 || chunk[11] != 0 || chunk[12] > 1)
            throw ImageProblem.Damaged(path, $"the header states {height}x{width} pixels of {bits} bits and colour type {type}");
        isInterlaced = chunk[12] == 1;
        bool hasAlpha = type is GreyAlpha or TrueColourAlpha;
        int colours = type is TrueColour or TrueColourAlpha ? 3 : 1;
        return new ImageFacts
        {
            Path = path,
            Height = (int)height,
            Width = (int)width,
            Bits = bits,
            Model = type == Indexed ? ColourModel.Palette : colours == 3 ? ColourModel.Rgb : ColourModel.Grey,
            Samples = colours + (hasAlpha ? 1 : 0),
            Alpha = hasAlpha ? AlphaKind.Unassociated : AlphaKind.None,
            AlphaSample = colours,
        };
    }

    private static Rgb[] ReadPalette(string path, ReadOnlySpan<byte> chunk)
    {
        if (chunk.Length is 0 or > 768 || chunk.Length % 3 != 0)
            throw ImageProblem.Damaged(path, $"the palette has {chunk.Length} bytes");
        var colours = new Rgb[chunk.Length / 3];
        for (int i = 0; i < colours.Length; i++)
            colours[i] = new Rgb(chunk[3 * i], chunk[3 * i + 1], chunk[3 * i + 2]);
        return colours;
    }
}
