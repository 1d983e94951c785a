using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace CsUnet.Data;

/// <summary>
/// The side of a pixel that a picture's file states: the resolution fields of TIFF, with ImageJ's unit; OME-XML; the fields of FEI and
/// Zeiss microscopes; pHYs of PNG. A resolution below 50 pixels per millimetre (1270 dpi) is one of screens and printers, which programs
/// write without knowing the scale: it states no pixel size.
/// </summary>
internal static partial class PixelSize
{
    private const int Description = 270, XResolution = 282, ResolutionUnit = 296, Zeiss = 34118, Fei = 34682;
    private const double LargestMicrometres = 20, MicrometresPerInch = 25_400;
    private const int LongestText = 1 << 20;

    /// <summary>Micrometres per pixel along a row; null if the file states none.</summary>
    /// <exception cref="DataException">The file cannot be read.</exception>
    public static double? Read(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            Span<byte> start = stackalloc byte[8];
            if (!TryRead(file, 0, start))
                return null;
            double? size = start.StartsWith("II*\0"u8) || start.StartsWith("MM\0*"u8) ? OfTiff(file, start)
                : start.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']) ? OfPng(file)
                : null;
            return size is > 0 and <= LargestMicrometres ? size : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataException(path, $"cannot be read: {failure.Message}", "a readable image", inner: failure);
        }
    }

    /// <summary>For people, for example <c>51.2 nm</c> or <c>1.5 um</c>.</summary>
    public static string Describe(double micrometres) => micrometres < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{1000 * micrometres:G4} nm")
        : string.Create(CultureInfo.InvariantCulture, $"{micrometres:G4} um");

    private static double? OfPng(FileStream file)
    {
        Span<byte> chunk = stackalloc byte[17];
        for (long offset = 8; TryRead(file, offset, chunk) && !chunk[4..8].SequenceEqual("IDAT"u8);
            offset += 12L + BinaryPrimitives.ReadUInt32BigEndian(chunk))
        {
            // Unit 1 is the metre; 0 states the shape of a pixel only.
            if (chunk[4..8].SequenceEqual("pHYs"u8))
            {
                uint perMetre = BinaryPrimitives.ReadUInt32BigEndian(chunk[8..]);
                return chunk[16] == 1 ? 1e6 / perMetre : null;
            }
        }
        return null;
    }

    private static double? OfTiff(FileStream file, ReadOnlySpan<byte> start)
    {
        bool little = start[0] == 'I';
        long directory = Number(start[4..], 4, little), unit = 2;
        Span<byte> count = stackalloc byte[2], field = stackalloc byte[12], ratio = stackalloc byte[8];
        double perUnit = 0;
        string description = "", zeiss = "", fei = "";
        if (!TryRead(file, directory, count))
            return null;
        for (int i = 0; i < Number(count, 2, little) && TryRead(file, directory + 2 + 12 * i, field); i++)
        {
            long length = Number(field[4..], 4, little), value = Number(field[8..], 4, little);
            switch (Number(field, 2, little))
            {
                case XResolution when TryRead(file, value, ratio):
                    perUnit = (double)Number(ratio, 4, little) / Number(ratio[4..], 4, little);
                    break;
                case ResolutionUnit:
                    unit = Number(field[8..], 2, little);
                    break;
                case Description:
                    description = Text(file, value, length);
                    break;
                case Zeiss:
                    zeiss = Text(file, value, length);
                    break;
                case Fei:
                    fei = Text(file, value, length);
                    break;
            }
        }
        if (Parse(FeiWidth().Match(fei)) is { } metres)
            return 1e6 * metres;
        if (ZeissSize().Match(zeiss) is { Success: true } size)
            return Parse(size) * MicrometresIn(size.Groups[2].Value);
        if (OmeSize().Match(description) is { Success: true } ome)
            return Parse(ome) * MicrometresIn(OmeUnit().Match(description) is { Success: true } named ? named.Groups[1].Value : "um");
        double? micrometres = ImageJUnit().Match(description) is { Success: true } imageJ ? MicrometresIn(imageJ.Groups[1].Value.Trim())
            : unit switch { 2 => MicrometresPerInch, 3 => 10_000, _ => null };
        return perUnit > 0 ? micrometres / perUnit : null;
    }

    /// <summary>Micrometres in a unit; null if it is no length.</summary>
    private static double? MicrometresIn(string unit) => unit switch
    {
        "pm" => 1e-6,
        "nm" => 1e-3,
        "um" or "micron" or "microns" or "\u00b5m" or "\u03bcm" or "\\u00B5m" => 1,
        "mm" => 1000,
        "cm" => 10_000,
        "inch" => MicrometresPerInch,
        _ => null,
    };

    private static double? Parse(Match match) => match.Success
        && double.TryParse(match.Groups[1].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    // OME-XML is UTF-8. Microscopes write Latin-1, of which the Greek letter of the unit matters.
    private static string Text(FileStream file, long offset, long length)
    {
        byte[] bytes = new byte[length is > 4 and <= LongestText ? length : 0];
        if (!TryRead(file, offset, bytes))
            return "";
        string text = Encoding.UTF8.GetString(bytes);
        return text.Contains('\uFFFD') ? Encoding.Latin1.GetString(bytes) : text;
    }

    private static bool TryRead(FileStream file, long offset, Span<byte> bytes)
    {
        if (offset < 0 || offset > file.Length - bytes.Length)
            return false;
        file.Position = offset;
        file.ReadExactly(bytes);
        return true;
    }

    private static long Number(ReadOnlySpan<byte> bytes, int length, bool little) => (length, little) switch
    {
        (2, true) => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        (2, false) => BinaryPrimitives.ReadUInt16BigEndian(bytes),
        (_, true) => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => BinaryPrimitives.ReadUInt32BigEndian(bytes),
    };

    [GeneratedRegex(@"^unit=(.*)$", RegexOptions.Multiline)]
    private static partial Regex ImageJUnit();

    [GeneratedRegex(@"PhysicalSizeX=""([-+.\deE]+)""")]
    private static partial Regex OmeSize();

    [GeneratedRegex(@"PhysicalSizeXUnit=""([^""]+)""")]
    private static partial Regex OmeUnit();

    [GeneratedRegex(@"^PixelWidth=([-+.\deE]+)", RegexOptions.Multiline)]
    private static partial Regex FeiWidth();

    [GeneratedRegex(@"AP_IMAGE_PIXEL_SIZE\s+[^=]*=\s*([-+.\deE]+)\s*(\S+)")]
    private static partial Regex ZeissSize();
}
