using System.Runtime.Intrinsics;

namespace CsUnet.Kernels.Cpu;

/// <summary>The vector width of the kernels.</summary>
internal static class VectorWidth
{
    /// <summary>Tests set it, so that a machine with 512-bit vectors also runs the 256-bit code.</summary>
    public static bool ForceNarrow { get; set; }

    /// <summary>Whether to use 512-bit vectors: the machine has them, and <see cref="ForceNarrow"/> is not set.</summary>
    public static bool Wide => Vector512.IsHardwareAccelerated && !ForceNarrow;
}
