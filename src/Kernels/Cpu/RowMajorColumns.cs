namespace CsUnet.Kernels.Cpu;

/// <summary>B[k, column] = Data[k * Stride + column].</summary>
internal readonly unsafe struct RowMajorColumns<T>(T* data, nint stride) : IColumnSource<T> where T : unmanaged
{
    /// <inheritdoc />
    public void Pack<TKernel>(int column, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel =>
        Panels.CopyRows(data + depth * stride + column, stride, count, TKernel.Columns<T>(), length, panel, true);
}
