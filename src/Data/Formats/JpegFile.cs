using System.Buffers.Binary;
using NetVips;
using VipsImage = NetVips.Image;

namespace CsUnet.Data.Formats;

/// <summary>A JPEG file (ITU T.81): its header is read here, its samples by libvips.</summary>
internal sealed class JpegFile : IImageDecoder
{
    private const byte StartOfImage = 0xD8, EndOfImage = 0xD9, StartOfScan = 0xDA, App0 = 0xE0, App1 = 0xE1, App14 = 0xEE;

    private readonly byte[] _file;

    public JpegFile(string path, byte[] file)
    {
        _file = file;
        int orientation = 1;
        bool hasExif = false;
        var notices = new List<string>();
        ImageFacts? facts = null;
        bool hasScan = false;
        foreach ((byte marker, int start, int length) in Segments(path, file))
        {
            ReadOnlySpan<byte> segment = file.AsSpan(start, length);
            if (marker == App1 && !hasExif && segment.StartsWith("Exif\0\0"u8))
            {
                hasExif = true;
                orientation = ExifOrientation.Read(path, file.AsMemory(start + 6, length - 6), notices);
            }
            else if (facts is null && IsFrame(marker))
            {
                facts = Frame(path, marker, segment);
            }
            hasScan |= marker == StartOfScan;
        }
        if (facts is null || !hasScan)
            throw ImageProblem.Damaged(path, "the JPEG has no picture");
        Facts = facts with { Orientation = orientation, Notices = notices };
    }

    public ImageFacts Facts { get; }

    // The compressed file, and the library's copy of the samples.
    public long ScratchBytes => _file.Length + (long)Facts.Height * Facts.Width * Facts.Samples;

    public SampleData Decode(int[] take, bool mask)
    {
        // Huffman codes have one bit or more, and a block of 64 samples one code or more.
        const int mostPixelsPerByte = 1024;
        if ((long)Facts.Height * Facts.Width > (long)_file.Length * mostPixelsPerByte)
            throw ImageProblem.Damaged(Facts.Path, $"{_file.Length} bytes are too few for {Facts.Height}x{Facts.Width} pixels");
        (byte[] samples, int height, int width, int bands) = VipsDecoder.Decode(Facts.Path, Tolerant(_file),
            data => VipsImage.JpegloadBuffer(data, failOn: Enums.FailOn.Warning, access: Enums.Access.Sequential));
        if (height != Facts.Height || width != Facts.Width || bands != Facts.Samples)
            throw ImageProblem.Damaged(Facts.Path,
                $"it holds {height}x{width} pixels of {bands} samples, its header says {Facts.Height}x{Facts.Width} of {Facts.Samples}");
        var data = new SampleData(Facts, take.Length, mask);
        var unpacker = new SampleUnpacker(Facts, false, data, mask);
        for (int y = 0; y < height; y++)
            unpacker.Read(samples.AsSpan((int)((long)y * width * bands), width * bands), bands, take, 0, width, y, 0);
        return data;
    }

    /// <summary>A JPEG of its own from the tables of a TIFF file and the data of a strip or tile (TIFF technical note 2).</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="part">The strip or tile, for messages.</param>
    /// <param name="tables">An abbreviated JPEG of tables; may be empty.</param>
    /// <param name="data">An abbreviated JPEG of a picture.</param>
    /// <param name="transform">0: three components are RGB; 1: YCbCr. Markers that say otherwise are left out: TIFF decides.</param>
    public static byte[] Join(string path, string part, byte[] tables, byte[] data, byte transform)
    {
        using var joined = new MemoryStream(tables.Length + data.Length + 16);
        joined.Write([0xFF, StartOfImage, 0xFF, App14, 0, 14]);
        joined.Write("Adobe"u8);
        joined.Write([0, 100, 0, 0, 0, 0, transform]);
        foreach (byte[] source in new[] { tables, data })
        {
            if (source.Length == 0)
                continue;
            int end = 2;
            foreach ((byte marker, int start, int length) in Segments(path, source, part))
            {
                end = start + length;
                if (marker is App0 or App14)
                    continue;
                if (IsFrame(marker))
                    _ = Frame(path, marker, source.AsSpan(start, length)); // refuses other kinds by name
                joined.Write([0xFF, marker]);
                joined.Write(source.AsSpan(start - 2, length + 2));
            }
            if (source == data)
                joined.Write(source.AsSpan(end));
        }
        return Tolerant(joined.ToArray());
    }

    /// <summary>The segments before the first scan's data, with the place and length of what follows their length.</summary>
    private static List<(byte Marker, int Start, int Length)> Segments(string path, byte[] file, string? part = null)
    {
        var segments = new List<(byte, int, int)>();
        string prefix = part is null ? "" : $"{part}: ";
        if (file.Length < 4 || file[0] != 0xFF || file[1] != StartOfImage)
            throw ImageProblem.Damaged(path, $"{prefix}it does not begin as a JPEG");
        int at = 2;
        while (at + 2 <= file.Length)
        {
            if (file[at] != 0xFF)
                throw ImageProblem.Damaged(path, $"{prefix}no JPEG marker at byte {at}");
            byte marker = file[at + 1];
            if (marker == 0xFF) // a fill byte
            {
                at++;
                continue;
            }
            at += 2;
            if (marker == EndOfImage)
                return segments;
            if (marker is 0x01 or (>= 0xD0 and <= 0xD7))
                continue;
            int length = at + 2 <= file.Length ? BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at)) : 0;
            if (length < 2 || at + length > file.Length)
                break;
            segments.Add((marker, at + 2, length - 2));
            at += length;
            if (marker == StartOfScan)
                return segments;
        }
        throw ImageProblem.Damaged(path, $"{prefix}the JPEG header is cut short");
    }

    private static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    private static ImageFacts Frame(string path, byte marker, ReadOnlySpan<byte> segment)
    {
        if (segment.Length < 6 || segment.Length < 6 + 3 * segment[5])
            throw ImageProblem.Damaged(path, "the JPEG frame header is too short");
        int height = BinaryPrimitives.ReadUInt16BigEndian(segment[1..]), width = BinaryPrimitives.ReadUInt16BigEndian(segment[3..]);
        int bits = segment[0], samples = segment[5];
        if (height == 0 || width == 0)
            throw ImageProblem.NotRead(path, $"the JPEG header states {height}x{width} pixels", "its height and width",
                "save it again with present-day software");
        if (marker > 0xC2 || bits != 8)
        {
            string kind = bits != 8 ? $"has samples of {bits} bits"
                : marker is 0xC3 or 0xC7 or 0xCB or 0xCF ? "is lossless"
                : marker > 0xC8 ? "is arithmetically coded" : "is hierarchical";
            throw ImageProblem.NotRead(path, $"the JPEG {kind}", "baseline or progressive JPEG of 8 bits", "save it as TIFF or PNG");
        }
        return new ImageFacts
        {
            Path = path,
            Height = height,
            Width = width,
            Bits = 8,
            Model = samples switch { 1 => ColourModel.Grey, 3 => ColourModel.Rgb, _ => ColourModel.Other },
            ModelName = samples == 4 ? "CMYK" : $"{samples} components",
            Samples = samples,
            Lossy = "JPEG",
        };
    }

    /// <summary>
    /// The file with the unused parameters of a sequential scan as the standard wants them. Some cameras write others; the library warns
    /// of that, and then of nothing more.
    /// </summary>
    private static byte[] Tolerant(byte[] file)
    {
        bool isSequential = false;
        foreach ((byte marker, int start, int length) in Segments("", file))
        {
            isSequential |= marker is 0xC0 or 0xC1 or 0xC9;
            if (marker != StartOfScan || !isSequential || length < 1 || length < 4 + 2 * file[start])
                continue;
            int parameters = start + 1 + 2 * file[start];
            if (file[parameters] == 0 && file[parameters + 1] == 63 && file[parameters + 2] == 0)
                continue;
            file = [.. file];
            (file[parameters], file[parameters + 1], file[parameters + 2]) = (0, 63, 0);
        }
        return file;
    }
}
