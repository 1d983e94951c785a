using System.Buffers.Binary;

namespace CsUnet.Data.Formats;

/// <summary>Writes rows of stored samples into <see cref="SampleData"/>: any number of bits, byte order, type, choice of samples.</summary>
/// <param name="facts">The file's samples.</param>
/// <param name="isLittleEndian">Byte order of samples of whole bytes. Packed samples begin at the most significant bit.</param>
/// <param name="data">Where to.</param>
/// <param name="isMask">Whether wide samples must be labels.</param>
internal sealed class SampleUnpacker(ImageFacts facts, bool isLittleEndian, SampleData data, bool isMask)
{
    private readonly int _bits = facts.Bits;

    /// <summary>Whether samples of this kind can be read.</summary>
    public static bool Reads(SampleKind kind, int bits) => kind switch
    {
        SampleKind.Unsigned => bits is (>= 1 and <= 16) or 24 or 32 or 64,
        SampleKind.Signed => bits is 8 or 16 or 24 or 32 or 64,
        SampleKind.Real => bits is 16 or 32 or 64,
        _ => false,
    };

    /// <summary>Reads the leading pixels of a stored row.</summary>
    /// <param name="row">The samples, from the first pixel on.</param>
    /// <param name="samples">Samples per pixel in the row.</param>
    /// <param name="take">Which of them, and...</param>
    /// <param name="channel">...the channel of the first; the others follow.</param>
    /// <param name="pixels">How many pixels.</param>
    /// <param name="y">Row of the picture.</param>
    /// <param name="x">Column of the first pixel.</param>
    /// <param name="step">Columns from one pixel to the next.</param>
    public void Read(ReadOnlySpan<byte> row, int samples, ReadOnlySpan<int> take, int channel, int pixels, int y, int x, int step = 1)
    {
        int start = (int)(((long)y * data.Width + x) * data.Channels) + channel, advance = step * data.Channels;
        bool isWhole = take.Length == samples && samples == data.Channels && step == 1;
        if (data.Bytes is { } bytes && _bits == 8 && isWhole)
        {
            row[..(pixels * samples)].CopyTo(bytes.AsSpan(start));
            return;
        }
        for (int k = 0; k < take.Length; k++)
        {
            int target = start + k, index = take[k];
            if (data.Bytes is { } narrow)
            {
                for (int i = 0; i < pixels; i++, index += samples, target += advance)
                    narrow[target] = _bits == 8 ? row[index] : (byte)Packed(row, index);
            }
            else if (!facts.IsWide)
            {
                ushort[] words = data.Words!;
                for (int i = 0; i < pixels; i++, index += samples, target += advance)
                    words[target] = _bits == 16 ? Word(row[(2 * index)..]) : (ushort)Packed(row, index);
            }
            else
            {
                for (int i = 0; i < pixels; i++, index += samples, target += advance)
                    Store(target, Wide(row, index), y, x + i * step);
            }
        }
    }

    private ushort Word(ReadOnlySpan<byte> bytes) =>
        isLittleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    // At most 16 bits, which lie in at most three bytes.
    private int Packed(ReadOnlySpan<byte> row, int index)
    {
        long bit = (long)index * _bits;
        int first = (int)(bit >> 3), shift = 24 - (int)(bit & 7) - _bits;
        int word = row[first] << 16 | (first + 1 < row.Length ? row[first + 1] << 8 : 0) | (first + 2 < row.Length ? row[first + 2] : 0);
        return word >> shift & ((1 << _bits) - 1);
    }

    private double Wide(ReadOnlySpan<byte> row, int index)
    {
        int size = _bits / 8;
        ReadOnlySpan<byte> stored = row.Slice(index * size, size);
        ulong bits = 0;
        for (int i = 0; i < size; i++)
            bits = bits << 8 | stored[isLittleEndian ? size - 1 - i : i];
        int unused = 64 - _bits;
        return (facts.Kind, _bits) switch
        {
            (SampleKind.Unsigned, _) => bits,
            (SampleKind.Signed, _) => (long)(bits << unused) >> unused,
            (_, 16) => (double)BitConverter.UInt16BitsToHalf((ushort)bits),
            (_, 32) => BitConverter.UInt32BitsToSingle((uint)bits),
            _ => BitConverter.UInt64BitsToDouble(bits),
        };
    }

    private void Store(int target, double value, int row, int column)
    {
        if (isMask)
        {
            ushort label = (ushort)Math.Clamp(value, 0, ushort.MaxValue);
            if (label != value)
                throw ImageProblem.NotRead(facts.Path, $"the mask has the value {value} at {Place(row, column)}",
                    "whole numbers 0 to 65535", "save class numbers, for example as an 8-bit image");
            data.Words![target] = label;
            return;
        }
        float real = (float)value;
        if (!float.IsFinite(real))
            throw ImageProblem.NotRead(facts.Path, $"the picture has the value {value} at {Place(row, column)}",
                "finite numbers of single precision", "replace such pixels by a number and save the picture again");
        data.Reals![target] = real;
    }

    private string Place(int row, int column)
    {
        (int y, int x) = Orientation.Upright(facts.Orientation, row, column, facts.Height, facts.Width);
        return $"row {y}, column {x}";
    }
}
