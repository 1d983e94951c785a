namespace CsUnet.Cuda.BasicTypes;

/// <summary>Three counts: blocks of a grid, or threads of a block.</summary>
/// <param name="x">Along the first, fastest dimension.</param>
/// <param name="y">Along the second dimension.</param>
/// <param name="z">Along the third dimension.</param>
#pragma warning disable IDE1006 // CUDA's own spelling, as in ManagedCuda
public record struct dim3(uint x, uint y = 1, uint z = 1)
#pragma warning restore IDE1006
{
    /// <summary>From three signed counts.</summary>
    /// <exception cref="OverflowException">A count is negative.</exception>
    public dim3(int x, int y = 1, int z = 1) : this(checked((uint)x), checked((uint)y), checked((uint)z)) { }

    /// <summary>The total: the product of the three counts.</summary>
    public readonly ulong Size => (ulong)x * y * z;

    /// <summary>A one-dimensional count.</summary>
    public static implicit operator dim3(int value) => new(value);

    /// <summary>A one-dimensional count.</summary>
    public static implicit operator dim3(uint value) => new(value);

    /// <inheritdoc/>
    public override readonly string ToString() => $"({x}, {y}, {z})";
}
