namespace CsUnet.Kernels.Cpu;

/// <summary>C[row, column] = Data[row * Stride + column].</summary>
internal readonly unsafe struct RowMajorTarget<T>(T* data, nint stride) : IProductTarget<T> where T : unmanaged
{
    /// <inheritdoc />
    public nint Stride => stride;

    /// <inheritdoc />
    public T* Row(int row) => data + row * stride;
}
