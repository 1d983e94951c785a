using System.Runtime.Intrinsics;

namespace CsUnet.Kernels.Cpu;

/// <summary>Which vectors the kernels use.</summary>
internal static class VectorWidth
{
    /// <summary>Set by tests, so that a machine with 512-bit vectors runs the 256-bit code too.</summary>
    public static bool ForceNarrow { get; set; }

    /// <summary>Whether 512-bit vectors are there and wanted.</summary>
    public static bool Wide => Vector512.IsHardwareAccelerated && !ForceNarrow;
}
