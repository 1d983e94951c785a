namespace CsUnet.Tensors;

/// <summary>
/// Converts between channels last, as the engine has images (NHWC) and convolution weights (OHWI), and channels first, as files of weights
/// have them (NCHW, OIHW). Both are the same permutation of a tensor of four dimensions; other tensors are the same in both orders.
/// </summary>
public static class ChannelOrder
{
    /// <summary>(a,b,c,d) to (a,c,d,b): NCHW to NHWC, OIHW to OHWI.</summary>
    /// <param name="tensor">A tensor on the CPU.</param>
    /// <returns>A permuted copy, or the tensor itself if it does not have four dimensions.</returns>
    public static Tensor ToLast(Tensor tensor) => tensor.Shape.Rank != 4 ? tensor
        : SwapInner(tensor, [tensor.Shape[0], tensor.Shape[2], tensor.Shape[3], tensor.Shape[1]],
            tensor.Shape[1], tensor.Shape[2] * tensor.Shape[3]);

    /// <summary>(a,b,c,d) to (a,d,b,c): NHWC to NCHW, OHWI to OIHW.</summary>
    /// <param name="tensor">A tensor on the CPU.</param>
    /// <returns>A permuted copy, or the tensor itself if it does not have four dimensions.</returns>
    public static Tensor ToFirst(Tensor tensor) => tensor.Shape.Rank != 4 ? tensor
        : SwapInner(tensor, First(tensor.Shape), tensor.Shape[1] * tensor.Shape[2], tensor.Shape[3]);

    /// <summary>The shape of the result of <see cref="ToFirst"/>.</summary>
    public static Shape First(Shape shape) => shape.Rank == 4 ? [shape[0], shape[3], shape[1], shape[2]] : shape;

    private static Tensor SwapInner(Tensor source, Shape shape, int rows, int columns)
    {
        Tensor target = Tensor.Empty(shape, source.DType);
        switch (source.DType.Size())
        {
            case 1: SwapInner<byte>(source, target, rows, columns); break;
            case 2: SwapInner<ushort>(source, target, rows, columns); break;
            case 4: SwapInner<uint>(source, target, rows, columns); break;
            default: SwapInner<ulong>(source, target, rows, columns); break;
        }
        return target;
    }

    // target[o, c, r] = source[o, r, c]
    private static unsafe void SwapInner<T>(Tensor source, Tensor target, int rows, int columns) where T : unmanaged
    {
        T* from = (T*)source.RawPointer, to = (T*)target.RawPointer;
        Workers.Run(source.Shape[0], o =>
        {
            T* sourceBlock = from + (long)o * rows * columns, targetBlock = to + (long)o * rows * columns;
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < columns; c++)
                    targetBlock[(long)c * rows + r] = sourceBlock[(long)r * columns + c];
        });
        // The garbage collector does not track pointers: without this call it may free the tensors while threads read them.
        GC.KeepAlive(source);
        GC.KeepAlive(target);
    }
}
