using System.Buffers.Binary;

namespace CsUnet.Cuda.Native;

/// <summary>Looks at a shared library before the system's loader does, which maps what the header promises.</summary>
internal static class ElfFile
{
    private const int HeaderBytes = 64, SegmentBytes = 56;

    /// <summary>Whether a 64-bit ELF file ends before its last segment or its table of sections does. False for a file of another kind,
    /// which the loader refuses itself.</summary>
    internal static bool IsCut(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes)
            return file.Length > 0 && header.StartsWith("\u007fELF"u8);
        const byte Bits64 = 2, LittleEndian = 1;
        if (!header.StartsWith("\u007fELF"u8) || header[4] != Bits64 || header[5] != LittleEndian)
            return false;
        ulong length = (ulong)file.Length, segments = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]),
            sections = BinaryPrimitives.ReadUInt64LittleEndian(header[40..]);
        int segmentCount = BinaryPrimitives.ReadUInt16LittleEndian(header[56..]);
        ulong sectionBytes = (ulong)BinaryPrimitives.ReadUInt16LittleEndian(header[58..])
            * BinaryPrimitives.ReadUInt16LittleEndian(header[60..]);
        if (Ends(sections, sectionBytes) > length || Ends(segments, (ulong)(segmentCount * SegmentBytes)) > length)
            return true;
        Span<byte> segment = stackalloc byte[SegmentBytes];
        file.Position = (long)segments;
        for (int i = 0; i < segmentCount; i++)
        {
            file.ReadExactly(segment);
            ulong start = BinaryPrimitives.ReadUInt64LittleEndian(segment[8..]),
                bytes = BinaryPrimitives.ReadUInt64LittleEndian(segment[32..]);
            if (Ends(start, bytes) > length)
                return true;
        }
        return false;
    }

    private static ulong Ends(ulong start, ulong bytes) => bytes > ulong.MaxValue - start ? ulong.MaxValue : start + bytes;
}
