namespace CsUnet.Tensors;

/// <summary>
/// One bfloat16 number: the upper half of a float32, with its 8 bits of exponent and 8 significant bits. The CPU only stores,
/// converts and copies such numbers; CUDA kernels compute with them.
/// </summary>
/// <param name="Bits">Sign, exponent and the 7 stored bits of the fraction.</param>
public readonly record struct BFloat16(ushort Bits)
{
    private const uint QuietBit = 0x0040_0000;

    /// <summary>Rounds to nearest, ties to even, as <c>cvt.rn.bf16.f32</c> does; a NaN stays a NaN.</summary>
    public static explicit operator BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return new BFloat16((ushort)((bits | QuietBit) >> 16));
        uint lastBit = bits >> 16 & 1;
        return new BFloat16((ushort)(bits + 0x7FFF + lastBit >> 16));
    }

    /// <inheritdoc cref="op_Explicit(float)" />
    public static explicit operator BFloat16(double value)
    {
        // Rounding to the nearest float32 first could move a number that lies just beside a tie onto the tie. Rounding to odd keeps it on
        // its side.
        float near = (float)value;
        if (near != value && !double.IsNaN(value) && !float.IsInfinity(near))
        {
            uint bits = BitConverter.SingleToUInt32Bits(near);
            if (Math.Abs((double)near) > Math.Abs(value))
                bits--;
            near = BitConverter.UInt32BitsToSingle(bits | 1);
        }
        return (BFloat16)near;
    }

    /// <summary>The same number as float32.</summary>
    public static implicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    /// <summary>The shortest decimal form that float32 reads back as this number.</summary>
    public override string ToString() => ((float)this).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
