namespace CsUnet.Kernels.Cpu;

/// <summary>The left operand of a product, explicit or implicit, which packs its own panels.</summary>
internal unsafe interface IRowSource<T, TLayout> where T : unmanaged where TLayout : struct, IPanelLayout
{
    /// <summary>
    /// Writes the panel of rows [row, row + count) and depths [depth, depth + length). The panel is as high as the kernel's tile (a
    /// constant of the kernel); rows from count on are zero.
    /// </summary>
    void Pack<TKernel>(int row, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel;
}
