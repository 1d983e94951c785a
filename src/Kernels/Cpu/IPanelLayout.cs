using System.Runtime.Intrinsics;

namespace CsUnet.Kernels.Cpu;

/// <summary>How a panel of A lies in memory; a type, so that the kernel's offsets are constants.</summary>
internal interface IPanelLayout
{
    /// <summary>
    /// True: panel[k][row], what a transposed A is copied to. False: panel[k / 16][row][k % 16], what a row-major A is copied to; no
    /// operand needs shuffles then.
    /// </summary>
    static abstract bool Interleaved { get; }
}
