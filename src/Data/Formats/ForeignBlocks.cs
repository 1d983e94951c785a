using System.Buffers.Binary;
using NetVips;
using VipsImage = NetVips.Image;

namespace CsUnet.Data.Formats;

/// <summary>Strips and tiles of a TIFF file whose compression another library decodes: JPEG, WebP, CCITT.</summary>
internal sealed class ForeignBlocks(string path, TiffDirectory page, int samples)
{
    /// <summary>Decodes a block to the bytes that an uncompressed one would hold.</summary>
    public void Decode(int compression, byte[] stored, int width, int rows, string part, Span<byte> output)
    {
        bool isFax = TiffCompression.IsFax(compression);
        Func<byte[], VipsImage> load = compression switch
        {
            TiffCompression.Jpeg => data => VipsImage.JpegloadBuffer(data, failOn: Enums.FailOn.Warning, access: Enums.Access.Sequential),
            TiffCompression.Webp => data => VipsImage.WebploadBuffer(data, failOn: Enums.FailOn.Warning),
            _ => data => VipsImage.TiffloadBuffer(data, failOn: Enums.FailOn.Warning),
        };
        byte[] data = isFax ? FaxFile(compression, stored, width, rows)
            : compression == TiffCompression.Jpeg ? JpegFile.Join(path, part, page.Bytes(TiffTag.JpegTables), stored, ColourTransform())
            : stored;
        (byte[] decoded, int height, int columns, int bands) = VipsDecoder.Decode(path, data, load, part);
        bool addsAlpha = compression == TiffCompression.Webp && bands == 3 && samples == 4; // WebP leaves out opaque alpha
        bool dropsAlpha = compression == TiffCompression.Webp && bands == 4 && samples == 3;
        if (columns != width || height < rows || (bands != samples && !addsAlpha && !dropsAlpha))
            throw ImageProblem.Damaged(path,
                $"{part} holds {height}x{columns} pixels of {bands} samples, the file says {rows}x{width} of {samples}");
        if (isFax)
        {
            output.Clear();
            int rowBytes = (width + 7) / 8;
            for (int y = 0; y < rows; y++)
                for (int x = 0; x < width; x++)
                    if (decoded[y * width + x] != 0)
                        output[y * rowBytes + x / 8] |= (byte)(0x80 >> (x & 7));
            return;
        }
        for (int i = 0, pixels = rows * width; i < pixels; i++)
            for (int c = 0; c < samples; c++)
                output[i * samples + c] = c < bands ? decoded[i * bands + c] : byte.MaxValue;
    }

    /// <summary>Whether data are WebP without loss.</summary>
    public static bool IsLosslessWebp(ReadOnlySpan<byte> data)
    {
        // RIFF, length, WEBP, then chunks of name, length, content.
        for (long at = 12; at + 8 <= data.Length; at += 8 + (BinaryPrimitives.ReadUInt32LittleEndian(data[((int)at + 4)..]) + 1L) / 2 * 2)
        {
            ReadOnlySpan<byte> name = data.Slice((int)at, 4);
            if (name.SequenceEqual("VP8L"u8))
                return true;
            if (name.SequenceEqual("VP8 "u8))
                return false;
        }
        return false;
    }

    // 1: YCbCr, 0: as stored.
    private byte ColourTransform() => (byte)(page.Number(TiffTag.Photometric, 0) == 6 ? 1 : 0);

    /// <summary>A TIFF file of one strip, without the fields of the original that a library could stumble over.</summary>
    private byte[] FaxFile(int compression, byte[] stored, int width, int rows)
    {
        (int Tag, uint Value)[] fields =
        [
            (TiffTag.ImageWidth, (uint)width), (TiffTag.ImageLength, (uint)rows), (TiffTag.BitsPerSample, 1),
            (TiffTag.Compression, (uint)compression), (TiffTag.Photometric, 1),
            (TiffTag.FillOrder, (uint)page.Number(TiffTag.FillOrder, 1)), (TiffTag.StripOffsets, 8), (TiffTag.SamplesPerPixel, 1),
            (TiffTag.RowsPerStrip, (uint)rows), (TiffTag.StripByteCounts, (uint)stored.Length),
            (TiffTag.T4Options, (uint)page.Number(TiffTag.T4Options, 0)), (TiffTag.T6Options, (uint)page.Number(TiffTag.T6Options, 0)),
        ];
        fields = [.. fields.Where(field => field.Tag != (compression == TiffCompression.Fax3 ? TiffTag.T6Options : TiffTag.T4Options)
            && (compression is TiffCompression.Fax3 or TiffCompression.Fax4 || field.Tag != TiffTag.T6Options))];
        int directory = 8 + (stored.Length + 1) / 2 * 2;
        byte[] file = new byte[directory + 2 + 12 * fields.Length + 4];
        "II*\0"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), directory);
        stored.CopyTo(file, 8);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(directory), (ushort)fields.Length);
        for (int i = 0; i < fields.Length; i++)
        {
            Span<byte> entry = file.AsSpan(directory + 2 + 12 * i, 12);
            BinaryPrimitives.WriteUInt16LittleEndian(entry, (ushort)fields[i].Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], 4); // unsigned, 32 bits
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], 1);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], fields[i].Value);
        }
        return file;
    }

    /// <summary>Bits and samples that the compression cannot have; null if it can.</summary>
    public static string? Contradiction(long compression, ImageFacts facts)
    {
        if (TiffCompression.IsFax(compression))
            return facts is { Bits: 1, Samples: 1 } ? null : $"CCITT compression with {facts.Samples} samples of {facts.Bits} bits";
        if (compression is TiffCompression.Jpeg or TiffCompression.Webp)
            return facts is { Bits: 8, Kind: SampleKind.Unsigned } ? null : $"JPEG or WebP compression with samples of {facts.Bits} bits";
        return null;
    }
}
