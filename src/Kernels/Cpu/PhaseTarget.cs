namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Rows are the pixels (q * step + phase) of an image: the target of one phase of a strided convolution's input gradient.
/// </summary>
internal readonly unsafe struct PhaseTarget<T>(
    T* data, int gridHeight, int gridWidth, nint pixelStride, nint rowStride, nint imageStride) : IProductTarget<T>
    where T : unmanaged
{
    /// <inheritdoc />
    public nint Stride => 0;

    /// <inheritdoc />
    public T* Row(int row)
    {
        int line = row / gridWidth;
        return data + line / gridHeight * imageStride + line % gridHeight * rowStride + row % gridWidth * pixelStride;
    }
}
