namespace CsUnet.Tensors;

/// <summary>One device of a kind.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Index">Which one of its kind, from 0.</param>
public readonly record struct Device(DeviceKind Kind, int Index = 0)
{
    private static Device s_default = new(DeviceKind.Cpu);

    /// <summary>The CPU.</summary>
    public static Device Cpu { get; } = new(DeviceKind.Cpu);

    /// <summary>The first CUDA device: a GPU, or the emulator after <see cref="CsUnet.Cuda.CudaLibraries.UseEmulator"/>.</summary>
    public static Device Cuda { get; } = new(DeviceKind.Cuda);

    /// <summary>
    /// Where random tensors are created if no device is given, and where a program may put its networks. It is the CPU until a
    /// program sets it, for example to <c>DeviceSelection.Open("auto").Device</c>. All threads share this setting.
    /// </summary>
    public static Device Default
    {
        get => s_default;
        set => s_default = value;
    }

    /// <inheritdoc />
    public override string ToString() => Kind == DeviceKind.Cpu ? "cpu" : $"cuda:{Index}";
}
