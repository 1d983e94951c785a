using System.Runtime.CompilerServices;

namespace CsUnet.Tensors;

/// <summary>The dimensions of a tensor, outermost first, for example (B, H, W, C). Immutable; compared by value.</summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public sealed class Shape : IEquatable<Shape>, IEnumerable<int>
{
    private readonly int[] _dimensions;

    /// <summary>A shape of the given dimensions. None may be negative; without any dimension it is a scalar.</summary>
    /// <param name="dimensions">Sizes, outermost first.</param>
    /// <exception cref="ArgumentOutOfRangeException">A dimension is negative.</exception>
    public Shape(params ReadOnlySpan<int> dimensions)
    {
        long count = 1;
        foreach (int dimension in dimensions)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dimension);
            count = checked(count * dimension);
        }
        _dimensions = dimensions.ToArray();
        Count = count;
    }

    /// <summary>Creates a shape from a collection expression such as <c>[2, 3]</c>.</summary>
    public static Shape Create(ReadOnlySpan<int> dimensions) => new(dimensions);

    /// <summary>The shape () of a scalar.</summary>
    public static Shape Scalar { get; } = new();

    /// <summary>Number of dimensions.</summary>
    public int Rank => _dimensions.Length;

    /// <summary>Number of elements: the product of all dimensions, 1 for a scalar.</summary>
    public long Count { get; }

    /// <summary>Size of one dimension; <c>^1</c> is the innermost.</summary>
    public int this[Index index] => _dimensions[index];

    /// <summary>The innermost dimension, which holds the channels of an activation; 1 for a scalar.</summary>
    public int Last => Rank == 0 ? 1 : _dimensions[^1];

    /// <summary>Number of rows when the tensor is read as a matrix (rows, <see cref="Last"/>).</summary>
    public int Rows => Last == 0 ? 0 : checked((int)(Count / Last));

    /// <summary>The dimensions as a span.</summary>
    public ReadOnlySpan<int> AsSpan() => _dimensions;

    /// <summary>This shape with the innermost dimension replaced.</summary>
    public Shape WithLast(int size)
    {
        int[] dimensions = [.. _dimensions];
        dimensions[^1] = size;
        return new Shape(dimensions);
    }

    /// <inheritdoc />
    public bool Equals(Shape? other) => other is not null && _dimensions.AsSpan().SequenceEqual(other._dimensions);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as Shape);

    /// <inheritdoc />
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (int dimension in _dimensions)
            hash.Add(dimension);
        return hash.ToHashCode();
    }

    /// <summary>Compares by value.</summary>
    public static bool operator ==(Shape? left, Shape? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Compares by value.</summary>
    public static bool operator !=(Shape? left, Shape? right) => !(left == right);

    /// <inheritdoc />
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)_dimensions).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => _dimensions.GetEnumerator();

    /// <summary>For example <c>(2,56,56,192)</c>.</summary>
    public override string ToString() => $"({string.Join(',', _dimensions)})";
}
