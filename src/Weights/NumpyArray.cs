namespace CsUnet.Weights;

/// <summary>numpy.ndarray: an array of numbers that stands in the pickle itself.</summary>
internal sealed class NumpyArray
{
    /// <summary>Dimensions.</summary>
    public long[] Shape { get; private set; } = [];

    /// <summary>The type; null before the state is set.</summary>
    public NumpyType? Type { get; private set; }

    /// <summary>The elements.</summary>
    public byte[] Bytes { get; private set; } = [];

    /// <summary>State of numpy: (version, shape, type, whether it is in column-major order, bytes).</summary>
    public void SetState(object? state)
    {
        if (state is not PickleTuple { Count: 5 } parts || parts[1] is not PickleTuple shape || parts[2] is not NumpyType type)
            throw new PickleException("the pickle is damaged: it does not hold the state of a numpy array");
        // Arrays of texts or objects are beside the weights; they are kept as a name only.
        Set(shape, type, parts[4] as byte[] ?? [], parts[3] is true);
    }

    /// <summary>Sets shape, type and elements.</summary>
    public void Set(PickleTuple shape, NumpyType type, byte[] bytes, bool isColumnMajor)
    {
        Shape = [.. shape.Items.Select(size => size is long number and >= 0 and <= int.MaxValue
            ? number
            : throw new PickleException("the pickle is damaged: a numpy array has no sizes"))];
        (Type, Bytes) = (type, bytes);
        IsColumnMajor = isColumnMajor;
    }

    /// <summary>Whether the first index runs fastest.</summary>
    public bool IsColumnMajor { get; private set; }
}
