namespace CsUnet.Kernels.Cpu;

/// <summary>Computes a tile of a matrix product in registers: C (Rows, Columns) = A·B over one depth block, from packed panels.</summary>
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
