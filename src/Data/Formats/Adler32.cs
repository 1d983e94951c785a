using System.Buffers.Binary;

namespace CsUnet.Data.Formats;

/// <summary>The checksum at the end of zlib data (RFC 1950): a = 1 + sum of the bytes, b = sum of all a, both modulo 65521.</summary>
internal struct Adler32
{
    private const uint Modulus = 65521;

    // As many bytes as b can take before it exceeds 32 bits.
    private const int Longest = 5552;

    private uint _a = 1, _b;

    public Adler32()
    {
    }

    /// <summary>The checksum as stored.</summary>
    public readonly byte[] Bytes
    {
        get
        {
            byte[] bytes = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, _b << 16 | _a);
            return bytes;
        }
    }

    public void Add(ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            ReadOnlySpan<byte> part = data[..Math.Min(data.Length, Longest)];
            foreach (byte value in part)
            {
                _a += value;
                _b += _a;
            }
            _a %= Modulus;
            _b %= Modulus;
            data = data[part.Length..];
        }
    }
}
