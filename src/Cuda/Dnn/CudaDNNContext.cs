using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda.Dnn;

/// <summary>
/// A cuDNN handle in the current context: convolutions on a stream. Needs a GPU and cuDNN 8 or 9 (the emulator has none); the engine uses
/// it as a baseline to compare its own kernels with. One thread at a time. Alpha and beta are read on the host.
/// </summary>
public sealed unsafe class CudaDNNContext : IDisposable
{
    private const int MaxAlgorithms = 16;

    private readonly ResourceHandle _handle;

    /// <summary>Creates a handle on the default stream.</summary>
    /// <exception cref="CudaLibraryException">cuDNN was not found.</exception>
    /// <exception cref="CudaException">It is neither version 8 nor 9.</exception>
    public CudaDNNContext()
    {
        ContextState context = ContextState.RequireCurrent("CudaDNNContext");
        Load();
        nint handle = 0;
        CudaDNN.Check(CudaDNNNative.cudnnCreate(&handle), $"cudnnCreate() of cuDNN {GetVersion()}");
        _handle = new ResourceHandle(context, ResourceKind.LibraryHandle, handle, nameof(CudaDNNContext), Destroy);
    }

    /// <summary>The version of cuDNN.</summary>
    public static Version GetVersion()
    {
        CudaLibraries.Load(CudaLibrary.CuDnn);
        int version = (int)CudaDNNNative.cudnnGetVersion();
        // 8.9.7 reports 8907; from version 9 on minor and patch have two digits each: 9.1.0 reports 90100.
        return version < 10000 ? new Version(version / 1000, version / 100 % 10, version % 100)
            : new Version(version / 10000, version / 100 % 100, version % 100);
    }

    /// <summary>Sets the stream that convolutions run on.</summary>
    public void SetStream(CudaStream stream)
        => CudaDNN.Check(CudaDNNNative.cudnnSetStream(Enter(), stream.Stream), $"cudnnSetStream(stream=0x{stream.Stream.Pointer:x})");

    /// <summary>The stream that convolutions run on.</summary>
    public CUstream GetStream()
    {
        CUstream stream = default;
        CudaDNN.Check(CudaDNNNative.cudnnGetStream(Enter(), &stream), $"cudnnGetStream()");
        return stream;
    }

    /// <summary>The available forward algorithms, best first by cuDNN's estimate.</summary>
    /// <param name="xDesc">Input.</param>
    /// <param name="wDesc">Filter.</param>
    /// <param name="convDesc">Convolution.</param>
    /// <param name="yDesc">Output.</param>
    public ConvolutionAlgorithm<cudnnConvolutionFwdAlgo>[] GetConvolutionForwardAlgorithm_v7(TensorDescriptor xDesc, FilterDescriptor wDesc,
        ConvolutionDescriptor convDesc, TensorDescriptor yDesc)
    {
        int count = 0;
        cudnnConvolutionAlgoPerf* results = stackalloc cudnnConvolutionAlgoPerf[MaxAlgorithms];
        CudaDNN.Check(CudaDNNNative.cudnnGetConvolutionForwardAlgorithm_v7(Enter(), xDesc.Desc, wDesc.Desc, convDesc.Desc, yDesc.Desc,
            MaxAlgorithms, &count, results),
            $"cudnnGetConvolutionForwardAlgorithm_v7()");
        return Usable(results, count, algo => (cudnnConvolutionFwdAlgo)algo);
    }

    /// <summary>The available algorithms for the gradient of the input, best first by cuDNN's estimate.</summary>
    /// <param name="wDesc">Filter.</param>
    /// <param name="dyDesc">Gradient of the output.</param>
    /// <param name="convDesc">Convolution.</param>
    /// <param name="dxDesc">Gradient of the input.</param>
    public ConvolutionAlgorithm<cudnnConvolutionBwdDataAlgo>[] GetConvolutionBackwardDataAlgorithm_v7(FilterDescriptor wDesc,
        TensorDescriptor dyDesc,
        ConvolutionDescriptor convDesc, TensorDescriptor dxDesc)
    {
        int count = 0;
        cudnnConvolutionAlgoPerf* results = stackalloc cudnnConvolutionAlgoPerf[MaxAlgorithms];
        CudaDNN.Check(CudaDNNNative.cudnnGetConvolutionBackwardDataAlgorithm_v7(Enter(), wDesc.Desc, dyDesc.Desc, convDesc.Desc,
            dxDesc.Desc, MaxAlgorithms, &count, results),
            $"cudnnGetConvolutionBackwardDataAlgorithm_v7()");
        return Usable(results, count, algo => (cudnnConvolutionBwdDataAlgo)algo);
    }

    /// <summary>The available algorithms for the gradient of the filter, best first by cuDNN's estimate.</summary>
    /// <param name="xDesc">Input.</param>
    /// <param name="dyDesc">Gradient of the output.</param>
    /// <param name="convDesc">Convolution.</param>
    /// <param name="dwDesc">Gradient of the filter.</param>
    public ConvolutionAlgorithm<cudnnConvolutionBwdFilterAlgo>[] GetConvolutionBackwardFilterAlgorithm_v7(TensorDescriptor xDesc,
        TensorDescriptor dyDesc,
        ConvolutionDescriptor convDesc, FilterDescriptor dwDesc)
    {
        int count = 0;
        cudnnConvolutionAlgoPerf* results = stackalloc cudnnConvolutionAlgoPerf[MaxAlgorithms];
        CudaDNN.Check(CudaDNNNative.cudnnGetConvolutionBackwardFilterAlgorithm_v7(Enter(), xDesc.Desc, dyDesc.Desc, convDesc.Desc,
            dwDesc.Desc, MaxAlgorithms, &count, results),
            $"cudnnGetConvolutionBackwardFilterAlgorithm_v7()");
        return Usable(results, count, algo => (cudnnConvolutionBwdFilterAlgo)algo);
    }

    /// <summary>Bytes of workspace of a forward algorithm.</summary>
    public SizeT GetConvolutionForwardWorkspaceSize(TensorDescriptor xDesc, FilterDescriptor wDesc, ConvolutionDescriptor convDesc,
        TensorDescriptor yDesc,
        cudnnConvolutionFwdAlgo algo)
    {
        nuint bytes = 0;
        CudaDNN.Check(CudaDNNNative.cudnnGetConvolutionForwardWorkspaceSize(Enter(), xDesc.Desc, wDesc.Desc, convDesc.Desc, yDesc.Desc,
            (int)algo, &bytes),
            $"cudnnGetConvolutionForwardWorkspaceSize({algo})");
        return (ulong)bytes;
    }

    /// <summary>Bytes of workspace of an algorithm for the gradient of the input.</summary>
    public SizeT GetConvolutionBackwardDataWorkspaceSize(FilterDescriptor wDesc, TensorDescriptor dyDesc, ConvolutionDescriptor convDesc,
        TensorDescriptor dxDesc,
        cudnnConvolutionBwdDataAlgo algo)
    {
        nuint bytes = 0;
        CudaDNN.Check(CudaDNNNative.cudnnGetConvolutionBackwardDataWorkspaceSize(Enter(), wDesc.Desc, dyDesc.Desc, convDesc.Desc,
            dxDesc.Desc, (int)algo, &bytes),
            $"cudnnGetConvolutionBackwardDataWorkspaceSize({algo})");
        return (ulong)bytes;
    }

    /// <summary>Bytes of workspace of an algorithm for the gradient of the filter.</summary>
    public SizeT GetConvolutionBackwardFilterWorkspaceSize(TensorDescriptor xDesc, TensorDescriptor dyDesc, ConvolutionDescriptor convDesc,
        FilterDescriptor dwDesc,
        cudnnConvolutionBwdFilterAlgo algo)
    {
        nuint bytes = 0;
        CudaDNN.Check(CudaDNNNative.cudnnGetConvolutionBackwardFilterWorkspaceSize(Enter(), xDesc.Desc, dyDesc.Desc, convDesc.Desc,
            dwDesc.Desc, (int)algo, &bytes),
            $"cudnnGetConvolutionBackwardFilterWorkspaceSize({algo})");
        return (ulong)bytes;
    }

    /// <summary>Forward: y = alpha conv(x, w) + beta y.</summary>
    /// <param name="alpha">Factor of the result.</param>
    /// <param name="xDesc">Shape of the input.</param>
    /// <param name="x">Input.</param>
    /// <param name="wDesc">Shape of the filter.</param>
    /// <param name="w">Filter.</param>
    /// <param name="convDesc">Convolution.</param>
    /// <param name="algo">Algorithm.</param>
    /// <param name="workSpace">Workspace of at least the algorithm's size; null for none.</param>
    /// <param name="beta">Factor of what y holds; 0 overwrites.</param>
    /// <param name="yDesc">Shape of the output.</param>
    /// <param name="y">Output.</param>
    public void ConvolutionForward(float alpha, TensorDescriptor xDesc, CUdeviceptr x, FilterDescriptor wDesc, CUdeviceptr w,
        ConvolutionDescriptor convDesc,
        cudnnConvolutionFwdAlgo algo, CudaDeviceVariable<byte>? workSpace, float beta, TensorDescriptor yDesc, CUdeviceptr y)
        => CudaDNN.Check(CudaDNNNative.cudnnConvolutionForward(Enter(), &alpha, xDesc.Desc, x, wDesc.Desc, w, convDesc.Desc, (int)algo,
            Pointer(workSpace), Bytes(workSpace),
            &beta, yDesc.Desc, y), $"cudnnConvolutionForward(x={x}, w={w}, y={y}, {algo}, workspace={Bytes(workSpace)} bytes)");

    /// <summary>Gradient of the input: dx = alpha conv_transposed(dy, w) + beta dx.</summary>
    /// <param name="alpha">Factor of the result.</param>
    /// <param name="wDesc">Shape of the filter.</param>
    /// <param name="w">Filter.</param>
    /// <param name="dyDesc">Shape of the gradient of the output.</param>
    /// <param name="dy">Gradient of the output.</param>
    /// <param name="convDesc">Convolution.</param>
    /// <param name="algo">Algorithm.</param>
    /// <param name="workSpace">Workspace of at least the algorithm's size; null for none.</param>
    /// <param name="beta">Factor of what dx holds; 0 overwrites.</param>
    /// <param name="dxDesc">Shape of the gradient of the input.</param>
    /// <param name="dx">Gradient of the input.</param>
    public void ConvolutionBackwardData(float alpha, FilterDescriptor wDesc, CUdeviceptr w, TensorDescriptor dyDesc, CUdeviceptr dy,
        ConvolutionDescriptor convDesc,
        cudnnConvolutionBwdDataAlgo algo, CudaDeviceVariable<byte>? workSpace, float beta, TensorDescriptor dxDesc, CUdeviceptr dx)
        => CudaDNN.Check(CudaDNNNative.cudnnConvolutionBackwardData(Enter(), &alpha, wDesc.Desc, w, dyDesc.Desc, dy, convDesc.Desc,
            (int)algo, Pointer(workSpace),
            Bytes(workSpace), &beta, dxDesc.Desc, dx),
                $"cudnnConvolutionBackwardData(w={w}, dy={dy}, dx={dx}, {algo}, workspace={Bytes(workSpace)} bytes)");

    /// <summary>Gradient of the filter: dw = alpha correlate(x, dy) + beta dw.</summary>
    /// <param name="alpha">Factor of the result.</param>
    /// <param name="xDesc">Shape of the input.</param>
    /// <param name="x">Input.</param>
    /// <param name="dyDesc">Shape of the gradient of the output.</param>
    /// <param name="dy">Gradient of the output.</param>
    /// <param name="convDesc">Convolution.</param>
    /// <param name="algo">Algorithm.</param>
    /// <param name="workSpace">Workspace of at least the algorithm's size; null for none.</param>
    /// <param name="beta">Factor of what dw holds; 0 overwrites.</param>
    /// <param name="dwDesc">Shape of the gradient of the filter.</param>
    /// <param name="dw">Gradient of the filter.</param>
    public void ConvolutionBackwardFilter(float alpha, TensorDescriptor xDesc, CUdeviceptr x, TensorDescriptor dyDesc, CUdeviceptr dy,
        ConvolutionDescriptor convDesc,
        cudnnConvolutionBwdFilterAlgo algo, CudaDeviceVariable<byte>? workSpace, float beta, FilterDescriptor dwDesc, CUdeviceptr dw)
        => CudaDNN.Check(CudaDNNNative.cudnnConvolutionBackwardFilter(Enter(), &alpha, xDesc.Desc, x, dyDesc.Desc, dy, convDesc.Desc,
            (int)algo, Pointer(workSpace),
            Bytes(workSpace), &beta, dwDesc.Desc, dw),
                $"cudnnConvolutionBackwardFilter(x={x}, dy={dy}, dw={dw}, {algo}, workspace={Bytes(workSpace)} bytes)");

    /// <summary>Destroys the handle. Waits for its work.</summary>
    public void Dispose() => _handle.Release("cudnnDestroy");

    internal static void Load()
    {
        Version version = GetVersion();
        if (version.Major is not (8 or 9))
        {
            throw new CudaException($"cuDNN {version} ({CudaLibraries.LoadedPath(CudaLibrary.CuDnn)}) is not supported, expected " +
                $"version 8 or 9. " +
                $"Name another one in {LibraryLoader.EnvironmentVariable(CudaLibrary.CuDnn)}.");
        }
    }

    private static ConvolutionAlgorithm<TAlgorithm>[] Usable<TAlgorithm>(cudnnConvolutionAlgoPerf* results, int count, Func<int,
        TAlgorithm> convert)
        where TAlgorithm : unmanaged, Enum
    {
        var usable = new List<ConvolutionAlgorithm<TAlgorithm>>(count);
        for (int i = 0; i < count; i++)
            if (results[i].status == cudnnStatus.Success)
                usable.Add(new ConvolutionAlgorithm<TAlgorithm>(convert(results[i].algo), (ulong)results[i].memory, results[i].determinism,
                    results[i].mathType));
        return [.. usable];
    }

    private nint Enter() => _handle.Enter("CudaDNNContext");

    private static CUdeviceptr Pointer(CudaDeviceVariable<byte>? workspace) => workspace?.DevicePointer ?? default;

    private static nuint Bytes(CudaDeviceVariable<byte>? workspace) => workspace is null ? 0 : (nuint)(ulong)workspace.SizeInBytes;

    private static CUResult Destroy(nint handle)
    {
        CudaDNN.Check(CudaDNNNative.cudnnDestroy(handle), $"cudnnDestroy()");
        return CUResult.Success;
    }
}
