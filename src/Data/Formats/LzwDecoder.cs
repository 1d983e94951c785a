namespace CsUnet.Data.Formats;

/// <summary>LZW as in TIFF 6.0, section 13: codes of 9 to 12 bits, most significant bit first, one code early.</summary>
internal static class LzwDecoder
{
    private const int Clear = 256, End = 257, First = 258, Most = 4096;

    /// <summary>Decodes until the output is full or the data end; returns the number of bytes, or -1 for an impossible code.</summary>
    public static int Decode(ReadOnlySpan<byte> input, Span<byte> output)
    {
        // An entry is the string of another one and a byte. Strings are kept as places in the output, where each was written once.
        Span<int> place = stackalloc int[Most], length = stackalloc int[Most];
        int next = First, width = 9, written = 0, previous = -1, bits = 0, read = 0;
        uint buffer = 0;
        int previousPlace = 0, previousLength = 0;
        while (written < output.Length)
        {
            while (bits < width && read < input.Length)
            {
                buffer = buffer << 8 | input[read++];
                bits += 8;
            }
            if (bits < width)
                break;
            int code = (int)(buffer >> (bits - width)) & ((1 << width) - 1);
            bits -= width;
            if (code == End)
                break;
            if (code == Clear)
            {
                (next, width, previous) = (First, 9, -1);
                continue;
            }
            if (code >= First && (previous < 0 || code > next || (code == next && next >= Most)))
                return -1;
            // The new entry is the previous string and the first byte of this one: exactly the bytes at the previous string's place.
            if (previous >= 0 && next < Most)
            {
                place[next] = previousPlace;
                length[next] = previousLength + 1;
                next++;
                if (next >= (1 << width) - 1 && width < 12)
                    width++;
            }
            int start = written;
            if (code < Clear)
            {
                output[written++] = (byte)code;
            }
            else
            {
                int from = place[code], count = Math.Min(length[code], output.Length - written);
                // Source and target may overlap by the byte that is just being written.
                for (int i = 0; i < count; i++)
                    output[written++] = output[from + i];
            }
            (previous, previousPlace, previousLength) = (code, start, written - start);
        }
        return written;
    }
}
