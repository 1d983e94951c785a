namespace CsUnet.Tensors;

/// <summary>The scope of a <see cref="Precisions.Use"/>.</summary>
public readonly struct PrecisionScope : IDisposable
{
    private readonly Precision _previous;

    internal PrecisionScope(Precision previous) => _previous = previous;

    /// <summary>Ends the scope: the previous precision is current again.</summary>
    public void Dispose() => Precisions.Current = _previous;
}
