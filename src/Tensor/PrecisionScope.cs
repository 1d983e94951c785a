namespace CsUnet.Tensors;

/// <summary>The extent of a <see cref="Precisions.Use"/>.</summary>
public readonly struct PrecisionScope : IDisposable
{
    private readonly Precision _previous;

    internal PrecisionScope(Precision previous) => _previous = previous;

    /// <summary>Ends it.</summary>
    public void Dispose() => Precisions.Current = _previous;
}
