namespace CsUnet.Cuda.BasicTypes;

/// <summary>
/// The C type <c>size_t</c>, as wide as a pointer. Converts from and to every integer type without a cast, so that sizes read as plain
/// numbers; a negative number or one that is too large for the target throws instead of wrapping.
/// </summary>
public readonly struct SizeT : IEquatable<SizeT>, IComparable<SizeT>
{
    private readonly nuint _value;

    /// <summary>A size of <paramref name="value"/>.</summary>
    public SizeT(ulong value) => _value = checked((nuint)value);

    /// <summary>A size of <paramref name="value"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public SizeT(long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        _value = checked((nuint)value);
    }

    /// <summary>Converts from a 32-bit number.</summary>
    public static implicit operator SizeT(int value) => new((long)value);

    /// <summary>Converts from a 32-bit number.</summary>
    public static implicit operator SizeT(uint value) => new((ulong)value);

    /// <summary>Converts from a 64-bit number.</summary>
    public static implicit operator SizeT(long value) => new(value);

    /// <summary>Converts from a 64-bit number.</summary>
    public static implicit operator SizeT(ulong value) => new(value);

    /// <summary>Converts to a 32-bit number.</summary>
    /// <exception cref="OverflowException">The size is larger than <see cref="int.MaxValue"/>.</exception>
    public static implicit operator int(SizeT size) => checked((int)size._value);

    /// <summary>Converts to a 32-bit number.</summary>
    /// <exception cref="OverflowException">The size is larger than <see cref="uint.MaxValue"/>.</exception>
    public static implicit operator uint(SizeT size) => checked((uint)size._value);

    /// <summary>Converts to a 64-bit number.</summary>
    public static implicit operator long(SizeT size) => checked((long)size._value);

    /// <summary>Converts to a 64-bit number.</summary>
    public static implicit operator ulong(SizeT size) => size._value;

    /// <summary>Sum.</summary>
    public static SizeT operator +(SizeT left, SizeT right) => new(checked((ulong)left._value + right._value));

    /// <summary>Difference.</summary>
    public static SizeT operator -(SizeT left, SizeT right) => new(checked((ulong)left._value - right._value));

    /// <summary>Product.</summary>
    public static SizeT operator *(SizeT left, SizeT right) => new(checked((ulong)left._value * right._value));

    /// <summary>Quotient, rounded down.</summary>
    public static SizeT operator /(SizeT left, SizeT right) => new((ulong)left._value / right._value);

    /// <summary>Whether two sizes are equal.</summary>
    public static bool operator ==(SizeT left, SizeT right) => left._value == right._value;

    /// <summary>Whether two sizes differ.</summary>
    public static bool operator !=(SizeT left, SizeT right) => left._value != right._value;

    /// <summary>Whether the left size is the smaller one.</summary>
    public static bool operator <(SizeT left, SizeT right) => left._value < right._value;

    /// <summary>Whether the left size is the larger one.</summary>
    public static bool operator >(SizeT left, SizeT right) => left._value > right._value;

    /// <summary>Whether the left size is at most the right one.</summary>
    public static bool operator <=(SizeT left, SizeT right) => left._value <= right._value;

    /// <summary>Whether the left size is at least the right one.</summary>
    public static bool operator >=(SizeT left, SizeT right) => left._value >= right._value;

    /// <inheritdoc/>
    public bool Equals(SizeT other) => _value == other._value;

    /// <inheritdoc/>
    public int CompareTo(SizeT other) => _value.CompareTo(other._value);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is SizeT other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _value.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => _value.ToString();
}
