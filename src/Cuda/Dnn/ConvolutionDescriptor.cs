using CsUnet.Cuda.Native;

namespace CsUnet.Cuda.Dnn;

/// <summary>
/// Padding, stride, dilation and groups of a convolution, for cuDNN. Lives on the host; needs no context. One thread at a time.
/// </summary>
public sealed unsafe class ConvolutionDescriptor : IDisposable
{
    private nint _handle;

    /// <summary>Creates an empty descriptor.</summary>
    public ConvolutionDescriptor()
    {
        CudaDNNContext.Load();
        nint handle = 0;
        CudaDNN.Check(CudaDNNNative.cudnnCreateConvolutionDescriptor(&handle), $"cudnnCreateConvolutionDescriptor()");
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

    /// <summary>Sets the convolution.</summary>
    /// <param name="pad_h">Rows of zeros above and below.</param>
    /// <param name="pad_w">Columns of zeros left and right.</param>
    /// <param name="u">Stride over rows.</param>
    /// <param name="v">Stride over columns.</param>
    /// <param name="dilation_h">Dilation over rows, 1 for none.</param>
    /// <param name="dilation_w">Dilation over columns, 1 for none.</param>
    /// <param name="mode">Whether the filter is flipped.</param>
    /// <param name="dataType">The type that sums are computed in.</param>
    public void SetConvolution2dDescriptor(int pad_h, int pad_w, int u, int v, int dilation_h, int dilation_w, cudnnConvolutionMode mode,
        cudnnDataType dataType)
        => CudaDNN.Check(CudaDNNNative.cudnnSetConvolution2dDescriptor(Desc, pad_h, pad_w, u, v, dilation_h, dilation_w, mode, dataType),
            $"cudnnSetConvolution2dDescriptor(pad=({pad_h}, {pad_w}), stride=({u}, {v}), dilation=({dilation_h}, {dilation_w}), {mode}, " +
                $"{dataType})");

    /// <summary>Sets the number of groups.</summary>
    public void SetConvolutionGroupCount(int groupCount)
        => CudaDNN.Check(CudaDNNNative.cudnnSetConvolutionGroupCount(Desc, groupCount), $"cudnnSetConvolutionGroupCount({groupCount})");

    /// <summary>Sets the hardware units that may be used.</summary>
    public void SetConvolutionMathType(cudnnMathType mathType)
        => CudaDNN.Check(CudaDNNNative.cudnnSetConvolutionMathType(Desc, mathType), $"cudnnSetConvolutionMathType({mathType})");

    /// <summary>The shape of the result.</summary>
    /// <param name="inputTensorDesc">The input.</param>
    /// <param name="filterDesc">The filter.</param>
    /// <param name="n">Images.</param>
    /// <param name="c">Channels.</param>
    /// <param name="h">Rows.</param>
    /// <param name="w">Columns.</param>
    public void GetConvolution2dForwardOutputDim(TensorDescriptor inputTensorDesc, FilterDescriptor filterDesc, ref int n, ref int c,
        ref int h, ref int w)
    {
        int* shape = stackalloc int[4];
        CudaDNN.Check(CudaDNNNative.cudnnGetConvolution2dForwardOutputDim(Desc, inputTensorDesc.Desc, filterDesc.Desc, shape, shape + 1,
            shape + 2, shape + 3),
            $"cudnnGetConvolution2dForwardOutputDim()");
        (n, c, h, w) = (shape[0], shape[1], shape[2], shape[3]);
    }

    /// <summary>Frees the descriptor.</summary>
    public void Dispose()
    {
        nint handle = Interlocked.Exchange(ref _handle, 0);
        if (handle != 0)
            CudaDNN.Check(CudaDNNNative.cudnnDestroyConvolutionDescriptor(handle), $"cudnnDestroyConvolutionDescriptor()");
    }
}
