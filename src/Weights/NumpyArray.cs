namespace CsUnet.Weights;

/// <summary>numpy.ndarray: an array that a trainer stored beside the weights. It is no weight, so that only its form is checked.</summary>
internal sealed class NumpyArray
{
    /// <summary>State of numpy: (version, shape, type, whether it is in column-major order, bytes).</summary>
    public void SetState(object? state)
    {
        if (state is not PickleTuple { Count: 5 } parts || parts[1] is not PickleTuple || parts[2] is not NumpyType)
            throw new PickleException("the pickle is damaged: it does not hold the state of a numpy array");
    }
}
