using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Converts between the layout of golden files (images NCHW, convolution weights OIHW) and the engine's (NHWC, OHWI). Both are the
/// same permutation of a tensor of four dimensions; other tensors have the same layout in both.
/// </summary>
public static class Layout
{
    /// <summary>(a,b,c,d) to (a,c,d,b): NCHW to NHWC, OIHW to OHWI.</summary>
    public static Tensor ToChannelsLast(Tensor tensor)
    {
        if (tensor.Shape.Rank != 4)
            return tensor;
        (int n, int c, int h, int w) = (tensor.Shape[0], tensor.Shape[1], tensor.Shape[2], tensor.Shape[3]);
        Tensor result = Tensor.Empty([n, h, w, c], tensor.DType);
        // result[b,y,x,k] = tensor[b,k,y,x]
        Swap(tensor, result, n, c, h * w);
        return result;
    }

    /// <summary>(a,b,c,d) to (a,d,b,c): NHWC to NCHW, OHWI to OIHW.</summary>
    public static Tensor ToChannelsFirst(Tensor tensor)
    {
        if (tensor.Shape.Rank != 4)
            return tensor;
        (int n, int h, int w, int c) = (tensor.Shape[0], tensor.Shape[1], tensor.Shape[2], tensor.Shape[3]);
        Tensor result = Tensor.Empty([n, c, h, w], tensor.DType);
        // result[b,k,y,x] = tensor[b,y,x,k]
        Swap(tensor, result, n, h * w, c);
        return result;
    }

    /// <summary>The shape of the result of <see cref="ToChannelsFirst"/>.</summary>
    public static Shape ChannelsFirst(Shape shape) => shape.Rank == 4 ? [shape[0], shape[3], shape[1], shape[2]] : shape;

    private static unsafe void Swap(Tensor source, Tensor target, int batch, int rows, int columns)
    {
        int size = source.DType.Size();
        byte* from = (byte*)source.RawPointer, to = (byte*)target.RawPointer;
        for (long b = 0; b < batch; b++)
            for (long row = 0; row < rows; row++)
                for (long column = 0; column < columns; column++)
                    Buffer.MemoryCopy(
                        from + ((b * rows + row) * columns + column) * size, to + ((b * columns + column) * rows + row) * size, size, size);
    }
}
