namespace CsUnet.Kernels.Cpu;

/// <summary>The memory layout of a panel of A. It is a type, so that the kernel's offsets are constants.</summary>
internal interface IPanelLayout
{
    /// <summary>
    /// True: panel[k][row], the copy of a transposed A. False: panel[k / 16][row][k % 16], the copy of a row-major A. So neither operand
    /// needs shuffles.
    /// </summary>
    static abstract bool Interleaved { get; }
}
