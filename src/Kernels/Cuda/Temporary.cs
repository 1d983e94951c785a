using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// Returns a tensor to the step arena when the scope ends, right after the last launch that reads it. Later launches, which may reuse the
/// memory, follow on the stream.
/// </summary>
internal readonly struct Temporary : IDisposable
{
    private readonly Storage? _storage;

    /// <summary>A scope for a tensor that has no other references; null for none.</summary>
    public Temporary(Tensor? tensor)
    {
        _storage = tensor?.Storage;
        _storage?.AddReference();
    }

    /// <summary>Returns the tensor.</summary>
    public void Dispose() => _storage?.ReleaseReference();
}
