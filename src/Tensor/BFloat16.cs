namespace CsUnet.Tensors;

/// <summary>
/// One bfloat16 number: the upper half of a float32, with its 8 bits of exponent and 8 significant bits. The processor only stores,
/// converts and copies such numbers; CUDA kernels compute with them.
/// </summary>
/// <param name="Bits">Sign, exponent and the 7 stored bits of the fraction.</param>
public readonly record struct BFloat16(ushort Bits)
{
    private const uint QuietBit = 0x0040_0000;

    /// <summary>The nearest number, ties to the one whose last bit is 0, as <c>cvt.rn.bf16.f32</c>; a NaN stays a NaN.</summary>
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
        // Rounded to float first, a number just beside a tie would become the tie: rounded to odd, it keeps its side.
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

    /// <summary>The same number.</summary>
    public static implicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    /// <summary>The number's shortest decimal form that is right in float32.</summary>
    public override string ToString() => ((float)this).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
