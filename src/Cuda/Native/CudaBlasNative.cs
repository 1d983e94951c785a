using System.Runtime.InteropServices;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Blas;

namespace CsUnet.Cuda.Native;

/// <summary>The C functions of cuBLAS 11 to 13 that this engine calls.</summary>
internal static unsafe partial class CudaBlasNative
{
    private const string Library = CudaLibraries.CuBlasName;

    [LibraryImport(Library, EntryPoint = "cublasCreate_v2")]
    internal static partial CublasStatus cublasCreate(nint* handle);

    [LibraryImport(Library, EntryPoint = "cublasDestroy_v2")]
    internal static partial CublasStatus cublasDestroy(nint handle);

    [LibraryImport(Library, EntryPoint = "cublasGetVersion_v2")]
    internal static partial CublasStatus cublasGetVersion(nint handle, int* version);

    [LibraryImport(Library)]
    internal static partial byte* cublasGetStatusString(CublasStatus status);

    [LibraryImport(Library, EntryPoint = "cublasSetStream_v2")]
    internal static partial CublasStatus cublasSetStream(nint handle, CUstream stream);

    [LibraryImport(Library, EntryPoint = "cublasGetStream_v2")]
    internal static partial CublasStatus cublasGetStream(nint handle, CUstream* stream);

    [LibraryImport(Library, EntryPoint = "cublasSetWorkspace_v2")]
    internal static partial CublasStatus cublasSetWorkspace(nint handle, CUdeviceptr workspace, nuint bytes);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasSetMathMode(nint handle, CublasMath mode);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasGetMathMode(nint handle, CublasMath* mode);

    [LibraryImport(Library, EntryPoint = "cublasSgemm_v2")]
    internal static partial CublasStatus cublasSgemm(nint handle, Operation transa, Operation transb, int m, int n, int k, float* alpha,
        CUdeviceptr a, int lda, CUdeviceptr b, int ldb, float* beta, CUdeviceptr c, int ldc);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasGemmEx(nint handle, Operation transa, Operation transb, int m, int n, int k, float* alpha,
        CUdeviceptr a, cudaDataType aType, int lda, CUdeviceptr b, cudaDataType bType, int ldb, float* beta, CUdeviceptr c,
        cudaDataType cType, int ldc, ComputeType computeType, GemmAlgo algo);

    [LibraryImport(Library)]
    internal static partial CublasStatus cublasGemmStridedBatchedEx(nint handle, Operation transa, Operation transb, int m, int n, int k,
        float* alpha, CUdeviceptr a, cudaDataType aType, int lda, long strideA, CUdeviceptr b, cudaDataType bType, int ldb, long strideB,
        float* beta, CUdeviceptr c, cudaDataType cType, int ldc, long strideC, int batchCount, ComputeType computeType, GemmAlgo algo);
}
