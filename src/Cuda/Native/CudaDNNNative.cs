using System.Runtime.InteropServices;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Dnn;

namespace CsUnet.Cuda.Native;

/// <summary>The C functions of cuDNN 8 and 9 that this engine calls.</summary>
internal static unsafe partial class CudaDNNNative
{
    private const string Library = CudaLibraries.CuDnnName;

    [LibraryImport(Library)]
    internal static partial nuint cudnnGetVersion();

    [LibraryImport(Library)]
    internal static partial byte* cudnnGetErrorString(cudnnStatus status);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnCreate(nint* handle);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnDestroy(nint handle);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnSetStream(nint handle, CUstream stream);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnGetStream(nint handle, CUstream* stream);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnCreateTensorDescriptor(nint* descriptor);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnDestroyTensorDescriptor(nint descriptor);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnSetTensor4dDescriptor(nint descriptor, cudnnTensorFormat format, cudnnDataType type, int n,
        int c, int h, int w);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnCreateFilterDescriptor(nint* descriptor);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnDestroyFilterDescriptor(nint descriptor);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnSetFilter4dDescriptor(nint descriptor, cudnnDataType type, cudnnTensorFormat format, int k,
        int c, int h, int w);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnCreateConvolutionDescriptor(nint* descriptor);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnDestroyConvolutionDescriptor(nint descriptor);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnSetConvolution2dDescriptor(nint descriptor, int padHeight, int padWidth, int strideHeight,
        int strideWidth, int dilationHeight, int dilationWidth, cudnnConvolutionMode mode, cudnnDataType computeType);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnSetConvolutionGroupCount(nint descriptor, int groups);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnSetConvolutionMathType(nint descriptor, cudnnMathType type);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnGetConvolution2dForwardOutputDim(nint convolution, nint input, nint filter, int* n, int* c,
        int* h, int* w);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnGetConvolutionForwardAlgorithm_v7(nint handle, nint x, nint w, nint convolution, nint y,
        int requested, int* returned, cudnnConvolutionAlgoPerf* results);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnGetConvolutionBackwardDataAlgorithm_v7(nint handle, nint w, nint dy, nint convolution, nint dx,
        int requested, int* returned, cudnnConvolutionAlgoPerf* results);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnGetConvolutionBackwardFilterAlgorithm_v7(nint handle, nint x, nint dy, nint convolution,
        nint dw, int requested, int* returned, cudnnConvolutionAlgoPerf* results);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnGetConvolutionForwardWorkspaceSize(nint handle, nint x, nint w, nint convolution, nint y,
        int algo, nuint* bytes);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnGetConvolutionBackwardDataWorkspaceSize(nint handle, nint w, nint dy, nint convolution,
        nint dx,
        int algo, nuint* bytes);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnGetConvolutionBackwardFilterWorkspaceSize(nint handle, nint x, nint dy, nint convolution,
        nint dw, int algo, nuint* bytes);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnConvolutionForward(nint handle, float* alpha, nint xDescriptor, CUdeviceptr x,
        nint wDescriptor,
        CUdeviceptr w, nint convolution, int algo, CUdeviceptr workspace, nuint workspaceBytes, float* beta, nint yDescriptor,
            CUdeviceptr y);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnConvolutionBackwardData(nint handle, float* alpha, nint wDescriptor, CUdeviceptr w,
        nint dyDescriptor, CUdeviceptr dy, nint convolution, int algo, CUdeviceptr workspace, nuint workspaceBytes, float* beta,
        nint dxDescriptor, CUdeviceptr dx);

    [LibraryImport(Library)]
    internal static partial cudnnStatus cudnnConvolutionBackwardFilter(nint handle, float* alpha, nint xDescriptor, CUdeviceptr x,
        nint dyDescriptor, CUdeviceptr dy, nint convolution, int algo, CUdeviceptr workspace, nuint workspaceBytes, float* beta,
        nint dwDescriptor, CUdeviceptr dw);
}
