using CsUnet.Cuda.Native;

namespace CsUnet.Cuda.Dnn;

/// <summary>The shape, type and layout of a tensor, for cuDNN. Lives on the host; needs no context. One thread at a time.</summary>
public sealed unsafe class TensorDescriptor : IDisposable
{
    private nint _handle;

    /// <summary>Creates a descriptor without a shape.</summary>
    public TensorDescriptor()
    {
        CudaDNNContext.Load();
        nint handle = 0;
        CudaDNN.Check(CudaDNNNative.cudnnCreateTensorDescriptor(&handle), $"cudnnCreateTensorDescriptor()");
        _handle = handle;
    }

    /// <summary>cuDNN's handle.</summary>
    public nint Desc
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle == 0, this);
            return _handle;
        }
    }

    /// <summary>Sets the shape. Dimensions are always (n, c, h, w), whatever their order in memory.</summary>
    /// <param name="format">Their order in memory.</param>
    /// <param name="dataType">The type of the elements.</param>
    /// <param name="n">Images.</param>
    /// <param name="c">Channels.</param>
    /// <param name="h">Rows.</param>
    /// <param name="w">Columns.</param>
    public void SetTensor4dDescriptor(cudnnTensorFormat format, cudnnDataType dataType, int n, int c, int h, int w)
        => CudaDNN.Check(CudaDNNNative.cudnnSetTensor4dDescriptor(Desc, format, dataType, n, c, h, w),
            $"cudnnSetTensor4dDescriptor({format}, {dataType}, n={n}, c={c}, h={h}, w={w})");

    /// <summary>Frees the descriptor.</summary>
    public void Dispose()
    {
        nint handle = Interlocked.Exchange(ref _handle, 0);
        if (handle != 0)
            CudaDNN.Check(CudaDNNNative.cudnnDestroyTensorDescriptor(handle), $"cudnnDestroyTensorDescriptor()");
    }
}
