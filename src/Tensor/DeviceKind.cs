namespace CsUnet.Tensors;

/// <summary>Where a tensor's memory lives and its operators run.</summary>
public enum DeviceKind
{
    /// <summary>The CPU of this machine.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU, or the emulated one.</summary>
    Cuda,
}
