using System.Buffers.Binary;

namespace CsUnet.Data.Formats;

/// <summary>Undoes the differencing of neighbouring samples before compression (TIFF 6.0, section 14, and supplement 3).</summary>
internal static class TiffPredictor
{
    public const int None = 1, Horizontal = 2, FloatingPoint = 3;

    /// <summary>Whether samples of this kind can have the predictor.</summary>
    public static bool Applies(int predictor, int bits, SampleKind kind) => predictor switch
    {
        None => true,
        Horizontal => bits is 8 or 16 or 32 or 64,
        FloatingPoint => kind == SampleKind.Real && bits is 16 or 32 or 64,
        _ => false,
    };

    /// <summary>Restores a row in place; the byte order of the result is that of the file.</summary>
    /// <param name="row">Samples, or for floating point their bytes by significance.</param>
    /// <param name="predictor">2 or 3.</param>
    /// <param name="bits">Bits per sample.</param>
    /// <param name="samples">Samples per pixel.</param>
    /// <param name="isLittleEndian">Byte order of the file.</param>
    public static void Undo(Span<byte> row, int predictor, int bits, int samples, bool isLittleEndian)
    {
        int bytes = bits / 8;
        if (predictor == FloatingPoint)
        {
            for (int i = samples; i < row.Length; i++)
                row[i] += row[i - samples];
            byte[] planes = row.ToArray();
            int count = row.Length / bytes;
            for (int i = 0; i < count; i++)
                for (int b = 0; b < bytes; b++)
                    row[i * bytes + (isLittleEndian ? bytes - 1 - b : b)] = planes[b * count + i];
            return;
        }
        if (bytes == 1)
        {
            for (int i = samples; i < row.Length; i++)
                row[i] += row[i - samples];
            return;
        }
        int stride = samples * bytes;
        for (int i = stride; i + bytes <= row.Length; i += bytes)
        {
            Span<byte> target = row.Slice(i, bytes), left = row.Slice(i - stride, bytes);
            switch (bytes, isLittleEndian)
            {
                case (2, true):
                    BinaryPrimitives.WriteUInt16LittleEndian(target,
                        (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(target) + BinaryPrimitives.ReadUInt16LittleEndian(left)));
                    break;
                case (2, false):
                    BinaryPrimitives.WriteUInt16BigEndian(target,
                        (ushort)(BinaryPrimitives.ReadUInt16BigEndian(target) + BinaryPrimitives.ReadUInt16BigEndian(left)));
                    break;
                case (4, true):
                    BinaryPrimitives.WriteUInt32LittleEndian(target,
                        BinaryPrimitives.ReadUInt32LittleEndian(target) + BinaryPrimitives.ReadUInt32LittleEndian(left));
                    break;
                case (4, false):
                    BinaryPrimitives.WriteUInt32BigEndian(target,
                        BinaryPrimitives.ReadUInt32BigEndian(target) + BinaryPrimitives.ReadUInt32BigEndian(left));
                    break;
                case (8, true):
                    BinaryPrimitives.WriteUInt64LittleEndian(target,
                        BinaryPrimitives.ReadUInt64LittleEndian(target) + BinaryPrimitives.ReadUInt64LittleEndian(left));
                    break;
                default:
                    BinaryPrimitives.WriteUInt64BigEndian(target,
                        BinaryPrimitives.ReadUInt64BigEndian(target) + BinaryPrimitives.ReadUInt64BigEndian(left));
                    break;
            }
        }
    }
}
