namespace CsUnet.Kernels.Cpu;

/// <summary>B[k, column] = Data[column * Stride + k].</summary>
internal readonly unsafe struct ColumnMajorColumns<T>(T* data, nint stride) : IColumnSource<T> where T : unmanaged
{
    /// <inheritdoc />
    public void Pack<TKernel>(int column, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel
    {
        int width = TKernel.Columns<T>();
        T* source = data + column * stride + depth;
        if (count < width)
            new Span<T>(panel, checked(length * width)).Clear();
        Panels.Transpose(source, stride, count, length, panel, width);
    }
}
