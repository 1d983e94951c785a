namespace CsUnet.Kernels.Cpu;

/// <summary>The right operand of a product, explicit or implicit, which packs its own panels.</summary>
internal unsafe interface IColumnSource<T> where T : unmanaged
{
    /// <summary>
    /// Writes panel[k][column] for columns [column, column + count) and depths [depth, depth + length); columns from count on are zero.
    /// </summary>
    void Pack<TKernel>(int column, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel;
}
