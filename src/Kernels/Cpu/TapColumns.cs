namespace CsUnet.Kernels.Cpu;

/// <summary>
/// The filters as the right operand of the input's gradient: B[t * filters + o, c] = weight[o, ky[t], kx[t], c], without a flipped copy.
/// </summary>
internal readonly unsafe struct TapColumns<T>(T* weight, int filters, nint filterStride, nint* tapOffsets) : IColumnSource<T>
    where T : unmanaged
{
    /// <inheritdoc />
    public void Pack<TKernel>(int column, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel
    {
        int tap = depth / filters, filter = depth % filters;
        for (; length > 0; tap++, filter = 0)
        {
            int part = Math.Min(filters - filter, length);
            Panels.CopyRows(
                weight + filter * filterStride + tapOffsets[tap] + column, filterStride, count, TKernel.Columns<T>(), part, panel, true);
            panel += (nint)part * TKernel.Columns<T>();
            length -= part;
        }
    }
}
