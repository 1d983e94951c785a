namespace CsUnet.Data.Formats;

/// <summary>Compressions of TIFF files by number.</summary>
internal static class TiffCompression
{
    public const int None = 1, Huffman = 2, Fax3 = 3, Fax4 = 4, Lzw = 5, Jpeg = 7, Deflate = 8, FaxWords = 32771, PackBits = 32773,
        OldDeflate = 32946, Webp = 50001;

    /// <summary>What is read, for messages.</summary>
    public const string Read = "no compression, LZW, Deflate, PackBits, CCITT, JPEG or WebP";

    /// <summary>Whether it is one of those that are read.</summary>
    public static bool IsRead(long number) => number is None or Lzw or Jpeg or Deflate or PackBits or OldDeflate or Webp || IsFax(number);

    /// <summary>Whether it is one of CCITT's, for one bit per pixel.</summary>
    public static bool IsFax(long number) => number is Huffman or Fax3 or Fax4 or FaxWords;

    /// <summary>
    /// The largest number of bytes that one compressed byte can become: a file that states more is damaged, and is refused before memory is
    /// taken. 0: no bound is known.
    /// </summary>
    public static int LargestRatio(long number) => number switch
    {
        None => 1,
        PackBits => 64,
        Deflate or OldDeflate => 1032,
        Lzw => 4096,
        _ => 0,
    };

    /// <summary>The name of a compression.</summary>
    public static string Name(long number) => number switch
    {
        6 => "old-style JPEG",
        32766 => "NeXT",
        32809 => "ThunderScan",
        32908 => "Pixar film",
        32909 => "PixarLog",
        33003 or 33004 or 33005 or 34712 => "JPEG 2000",
        34661 => "JBIG",
        34676 or 34677 => "SGILog",
        34887 => "LERC",
        34892 => "lossy JPEG of a raw file",
        34925 => "LZMA",
        50000 or 34926 => "Zstandard",
        50002 or 52546 => "JPEG XL",
        _ => $"number {number}",
    };

    /// <summary>Undoes PackBits; returns the number of bytes.</summary>
    public static int DecodePackBits(ReadOnlySpan<byte> input, Span<byte> output)
    {
        int read = 0, written = 0;
        while (read < input.Length && written < output.Length)
        {
            int header = (sbyte)input[read++];
            if (header == -128)
                continue;
            int count = Math.Min(header >= 0 ? header + 1 : 1 - header, output.Length - written);
            if (header >= 0)
            {
                count = Math.Min(count, input.Length - read);
                input.Slice(read, count).CopyTo(output[written..]);
                read += count;
            }
            else if (read < input.Length)
            {
                output.Slice(written, count).Fill(input[read++]);
            }
            else
            {
                break;
            }
            written += count;
        }
        return written;
    }
}
