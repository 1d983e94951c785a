namespace CsUnet.Tensors;

/// <summary>The extent of a <see cref="Precisions.Use"/>.</summary>
public readonly struct PrecisionScope : IDisposable
{
    private readonly CudaDevice? _device;
    private readonly bool _previous;

    internal PrecisionScope(CudaDevice? device, bool allowTf32)
    {
        (_device, _previous) = (device, device is { AllowTf32: true });
        if (device is not null)
            device.AllowTf32 = allowTf32;
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        if (_device is not null)
            _device.AllowTf32 = _previous;
    }
}
