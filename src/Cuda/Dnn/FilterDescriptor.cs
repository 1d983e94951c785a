using CsUnet.Cuda.Native;

namespace CsUnet.Cuda.Dnn;

/// <summary>The shape, type and layout of a filter, for cuDNN. Lives on the host; needs no context. One thread at a time.</summary>
public sealed unsafe class FilterDescriptor : IDisposable
{
    private nint _handle;

    /// <summary>Creates a descriptor without a shape.</summary>
    public FilterDescriptor()
    {
        CudaDNNContext.Load();
        nint handle = 0;
        CudaDNN.Check(CudaDNNNative.cudnnCreateFilterDescriptor(&handle), $"cudnnCreateFilterDescriptor()");
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

    /// <summary>Sets the shape. <see cref="cudnnTensorFormat.NHWC"/> means (k, h, w, c) in memory.</summary>
    /// <param name="dataType">The type of the elements.</param>
    /// <param name="format">The order in memory.</param>
    /// <param name="k">Output channels.</param>
    /// <param name="c">Input channels of a group.</param>
    /// <param name="h">Rows.</param>
    /// <param name="w">Columns.</param>
    public void SetFilter4dDescriptor(cudnnDataType dataType, cudnnTensorFormat format, int k, int c, int h, int w)
        => CudaDNN.Check(CudaDNNNative.cudnnSetFilter4dDescriptor(Desc, dataType, format, k, c, h, w),
            $"cudnnSetFilter4dDescriptor({dataType}, {format}, k={k}, c={c}, h={h}, w={w})");

    /// <summary>Frees the descriptor.</summary>
    public void Dispose()
    {
        nint handle = Interlocked.Exchange(ref _handle, 0);
        if (handle != 0)
            CudaDNN.Check(CudaDNNNative.cudnnDestroyFilterDescriptor(handle), $"cudnnDestroyFilterDescriptor()");
    }
}
