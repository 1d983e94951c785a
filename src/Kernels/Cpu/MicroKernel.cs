using System.Runtime.Intrinsics;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// A tile of a matrix product that stays in registers: C (Rows, Columns) = A·B over one depth block, from packed panels.
/// </summary>
internal unsafe interface IMicroKernel
{
    /// <summary>Rows of the tile, and of a panel of A.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of the tile, and of a panel of B: two vectors.</summary>
    static abstract int Columns<T>() where T : unmanaged;

    /// <summary>C = A·B, plus C if <paramref name="accumulate"/>, plus the row <paramref name="bias"/> unless it is null.</summary>
    static abstract void Multiply<T, TLayout>(int depth, T* a, T* b, T* c, nint ldc, bool accumulate, T* bias)
        where T : unmanaged
        where TLayout : struct, IPanelLayout;
}

/// <summary>How a panel of A lies in memory; a type, so that the kernel's offsets are constants.</summary>
internal interface IPanelLayout
{
    /// <summary>
    /// True: panel[k][row], what a transposed A is copied to. False: panel[k / 16][row][k % 16], what a row-major A is copied to; no
    /// operand needs shuffles then.
    /// </summary>
    static abstract bool Interleaved { get; }
}

/// <summary>panel[k][row].</summary>
internal readonly struct InterleavedLayout : IPanelLayout
{
    /// <inheritdoc />
    public static bool Interleaved => true;
}

/// <summary>panel[k / 16][row][k % 16].</summary>
internal readonly struct BlockedLayout : IPanelLayout
{
    /// <inheritdoc />
    public static bool Interleaved => false;
}

/// <summary>Constants of the panels.</summary>
internal static class PanelDepth
{
    /// <summary>Depth of one block of <see cref="BlockedLayout"/>: a cache line of floats.</summary>
    public const int Block = 16;

    /// <summary><paramref name="depth"/> rounded up to whole blocks.</summary>
    public static int RoundUp(int depth) => (depth + Block - 1) & -Block;
}

/// <summary>Which vectors the kernels use.</summary>
internal static class VectorWidth
{
    /// <summary>Set by tests, so that a machine with 512-bit vectors runs the 256-bit code too.</summary>
    public static bool ForceNarrow { get; set; }

    /// <summary>Whether 512-bit vectors are there and wanted.</summary>
    public static bool Wide => Vector512.IsHardwareAccelerated && !ForceNarrow;
}
