namespace CsUnet.Tensors;

/// <summary>Where a tensor's memory lives and its operators run.</summary>
public enum DeviceKind
{
    /// <summary>The processor of this machine.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU, or the emulated one.</summary>
    Cuda,
}

/// <summary>One device of a kind.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Index">Which one of its kind, from 0.</param>
public readonly record struct Device(DeviceKind Kind, int Index = 0)
{
    /// <summary>The processor.</summary>
    public static Device Cpu { get; } = new(DeviceKind.Cpu);

    /// <summary>The first CUDA device: a GPU, or the emulator after <see cref="CsUnet.Cuda.CudaLibraries.UseEmulator"/>.</summary>
    public static Device Cuda { get; } = new(DeviceKind.Cuda);

    /// <summary>Reads a device name as the command line takes it: <c>cpu</c>, or <c>auto</c> for the best one at hand.</summary>
    /// <exception cref="FormatException">The name is none of these; the message says which there are.</exception>
    public static Device Parse(string name) => name switch
    {
        "cpu" or "auto" => Cpu,
        _ when name.StartsWith("cuda", StringComparison.Ordinal) =>
            throw new FormatException($"device '{name}': this version runs on the CPU only; use --device cpu or --device auto"),
        _ => throw new FormatException($"device '{name}' is not known; use cpu or auto"),
    };

    /// <inheritdoc />
    public override string ToString() => Kind == DeviceKind.Cpu ? "cpu" : $"cuda:{Index}";
}
