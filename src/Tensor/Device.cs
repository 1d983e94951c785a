namespace CsUnet.Tensors;

/// <summary>One device of a kind.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Index">Which one of its kind, from 0.</param>
public readonly record struct Device(DeviceKind Kind, int Index = 0)
{
    /// <summary>The processor.</summary>
    public static Device Cpu { get; } = new(DeviceKind.Cpu);

    /// <summary>The first CUDA device: a GPU, or the emulator after <see cref="CsUnet.Cuda.CudaLibraries.UseEmulator"/>.</summary>
    public static Device Cuda { get; } = new(DeviceKind.Cuda);

    /// <inheritdoc />
    public override string ToString() => Kind == DeviceKind.Cpu ? "cpu" : $"cuda:{Index}";
}
