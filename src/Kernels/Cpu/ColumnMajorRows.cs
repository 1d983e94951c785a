namespace CsUnet.Kernels.Cpu;

/// <summary>A[row, k] = Data[k * Stride + row].</summary>
internal readonly unsafe struct ColumnMajorRows<T>(T* data, nint stride) : IRowSource<T, InterleavedLayout> where T : unmanaged
{
    /// <inheritdoc />
    public void Pack<TKernel>(int row, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel =>
        Panels.CopyRows(data + depth * stride + row, stride, count, TKernel.Rows, length, panel, false);
}
