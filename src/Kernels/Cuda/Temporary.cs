using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// Hands a tensor of the step's memory back when the scope ends, at the last launch that reads it: what is launched later, and may get the
/// memory, follows it on the stream.
/// </summary>
internal readonly struct Temporary : IDisposable
{
    private readonly Storage? _storage;

    /// <summary>A scope for a tensor without other references; null for none.</summary>
    public Temporary(Tensor? tensor)
    {
        _storage = tensor?.Storage;
        _storage?.AddReference();
    }

    /// <summary>Hands it back.</summary>
    public void Dispose() => _storage?.ReleaseReference();
}
