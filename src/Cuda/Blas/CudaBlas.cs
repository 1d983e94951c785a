using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda.Blas;

/// <summary>
/// A cuBLAS handle in the current context: matrix products on a stream. Needs a GPU and cuBLAS 11 to 13 (the emulator has a few of its
/// functions); the engine uses it as a baseline to compare its own kernels with.
/// </summary>
/// <remarks>
/// One thread at a time. For bitwise reproducible products, set a workspace with <see cref="SetWorkspace"/> and use the
/// handle on one stream. Matrices are column-major: for row-major C = A B, compute the column-major product C' = B' A', that is, pass B
/// first. Alpha and beta are read on the host.
/// </remarks>
public sealed unsafe class CudaBlas : IDisposable
{
    private readonly ResourceHandle _handle;

    /// <summary>Creates a handle on the default stream.</summary>
    /// <exception cref="CudaLibraryException">cuBLAS was not found.</exception>
    public CudaBlas()
    {
        ContextState context = ContextState.RequireCurrent("CudaBlas");
        CudaLibraries.Load(CudaLibrary.CuBlas);
        nint handle = 0;
        Check(CudaBlasNative.cublasCreate(&handle), $"cublasCreate()");
        _handle = new ResourceHandle(context, ResourceKind.LibraryHandle, handle, nameof(CudaBlas), Destroy);
    }

    /// <summary>Creates a handle on a stream.</summary>
    public CudaBlas(CUstream stream) : this() => Stream = stream;

    /// <summary>The stream that products run on.</summary>
    public CUstream Stream
    {
        get
        {
            CUstream stream = default;
            Check(CudaBlasNative.cublasGetStream(Enter(), &stream), $"cublasGetStream()");
            return stream;
        }
        set => Check(CudaBlasNative.cublasSetStream(Enter(), value), $"cublasSetStream(stream=0x{value.Pointer:x})");
    }

    /// <summary>The precision of products.</summary>
    public CublasMath MathMode
    {
        get
        {
            CublasMath mode = default;
            Check(CudaBlasNative.cublasGetMathMode(Enter(), &mode), $"cublasGetMathMode()");
            return mode;
        }
        set => Check(CudaBlasNative.cublasSetMathMode(Enter(), value), $"cublasSetMathMode(mode={value})");
    }

    /// <summary>The version of cuBLAS.</summary>
    public Version GetVersion()
    {
        int version = 0;
        Check(CudaBlasNative.cublasGetVersion(Enter(), &version), $"cublasGetVersion()");
        // 11.11.3 reports 111103, 12.0.1 reports 120001: two digits each for minor and patch.
        return new Version(version / 10000, version / 100 % 100, version % 100);
    }

    /// <summary>
    /// Sets the workspace of cuBLAS, which it otherwise allocates itself. NVIDIA recommends 4 MiB, on Hopper 32 MiB.
    /// </summary>
    /// <param name="workspace">The memory; it must outlive the handle.</param>
    public void SetWorkspace(CudaDeviceVariable<byte> workspace)
        => Check(CudaBlasNative.cublasSetWorkspace(Enter(), workspace.DevicePointer, (nuint)(ulong)workspace.SizeInBytes),
            $"cublasSetWorkspace(workspace={workspace.DevicePointer}, bytes={workspace.SizeInBytes})");

    /// <summary>float32 product: C = alpha op(A) op(B) + beta C. Column-major.</summary>
    /// <param name="transa">op of A, (m, k).</param>
    /// <param name="transb">op of B, (k, n).</param>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Terms of each sum.</param>
    /// <param name="alpha">Factor of the product.</param>
    /// <param name="A">Left matrix.</param>
    /// <param name="lda">Distance between its columns, in elements.</param>
    /// <param name="B">Right matrix.</param>
    /// <param name="ldb">Distance between its columns.</param>
    /// <param name="beta">Factor of what C holds; 0 overwrites.</param>
    /// <param name="C">Result.</param>
    /// <param name="ldc">Distance between its columns.</param>
    public void Gemm(Operation transa, Operation transb, int m, int n, int k, float alpha, CudaDeviceVariable<float> A, int lda,
        CudaDeviceVariable<float> B, int ldb, float beta, CudaDeviceVariable<float> C, int ldc)
        => Check(CudaBlasNative.cublasSgemm(Enter(), transa, transb, m, n, k, &alpha, A.DevicePointer, lda, B.DevicePointer, ldb, &beta,
            C.DevicePointer, ldc), $"cublasSgemm({transa}, {transb}, m={m}, n={n}, k={k}, lda={lda}, ldb={ldb}, ldc={ldc})");

    /// <summary>Product of matrices of any types: C = alpha op(A) op(B) + beta C. Column-major; see <see cref="Gemm"/>.</summary>
    /// <param name="transa">op of A, (m, k).</param>
    /// <param name="transb">op of B, (k, n).</param>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Terms of each sum.</param>
    /// <param name="alpha">Factor of the product.</param>
    /// <param name="A">Left matrix.</param>
    /// <param name="Atype">Type of its elements.</param>
    /// <param name="lda">Distance between its columns, in elements.</param>
    /// <param name="B">Right matrix.</param>
    /// <param name="Btype">Type of its elements.</param>
    /// <param name="ldb">Distance between its columns.</param>
    /// <param name="beta">Factor of what C holds; 0 overwrites.</param>
    /// <param name="C">Result.</param>
    /// <param name="Ctype">Type of its elements.</param>
    /// <param name="ldc">Distance between its columns.</param>
    /// <param name="computeType">The type to compute in.</param>
    /// <param name="algo">The implementation.</param>
    public void GemmEx(Operation transa, Operation transb, int m, int n, int k, float alpha, CUdeviceptr A, cudaDataType Atype, int lda,
        CUdeviceptr B, cudaDataType Btype, int ldb, float beta, CUdeviceptr C, cudaDataType Ctype, int ldc, ComputeType computeType,
        GemmAlgo algo = GemmAlgo.Default)
        => Check(CudaBlasNative.cublasGemmEx(Enter(), transa, transb, m, n, k, &alpha, A, Atype, lda, B, Btype, ldb, &beta, C, Ctype, ldc,
            computeType, algo), $"cublasGemmEx({transa}, {transb}, m={m}, n={n}, k={k}, {Atype} lda={lda}, {Btype} ldb={ldb}, {Ctype} " +
                $"ldc={ldc}, {computeType})");

    /// <summary>The product of <see cref="GemmEx"/> for <paramref name="batchCount"/> matrices at a fixed stride.</summary>
    /// <param name="transa">op of A, (m, k).</param>
    /// <param name="transb">op of B, (k, n).</param>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Terms of each sum.</param>
    /// <param name="alpha">Factor of the product.</param>
    /// <param name="A">First left matrix.</param>
    /// <param name="Atype">Type of its elements.</param>
    /// <param name="lda">Distance between its columns, in elements.</param>
    /// <param name="strideA">Distance to the next left matrix, in elements.</param>
    /// <param name="B">First right matrix.</param>
    /// <param name="Btype">Type of its elements.</param>
    /// <param name="ldb">Distance between its columns.</param>
    /// <param name="strideB">Distance to the next right matrix.</param>
    /// <param name="beta">Factor of what C holds; 0 overwrites.</param>
    /// <param name="C">First result.</param>
    /// <param name="Ctype">Type of its elements.</param>
    /// <param name="ldc">Distance between its columns.</param>
    /// <param name="strideC">Distance to the next result.</param>
    /// <param name="batchCount">How many products.</param>
    /// <param name="computeType">The type to compute in.</param>
    /// <param name="algo">The implementation.</param>
    public void GemmStridedBatchedEx(Operation transa, Operation transb, int m, int n, int k, float alpha, CUdeviceptr A,
        cudaDataType Atype,
        int lda, long strideA, CUdeviceptr B, cudaDataType Btype, int ldb, long strideB, float beta, CUdeviceptr C, cudaDataType Ctype,
            int ldc,
        long strideC, int batchCount, ComputeType computeType, GemmAlgo algo = GemmAlgo.Default)
        => Check(CudaBlasNative.cublasGemmStridedBatchedEx(Enter(), transa, transb, m, n, k, &alpha, A, Atype, lda, strideA, B, Btype, ldb,
            strideB, &beta, C, Ctype, ldc, strideC, batchCount, computeType, algo),
            $"cublasGemmStridedBatchedEx({transa}, {transb}, m={m}, n={n}, k={k}, {Atype} lda={lda} stride={strideA}, {Btype} ldb={ldb} " +
                $"stride={strideB}, " +
            $"{Ctype} ldc={ldc} stride={strideC}, batch={batchCount}, {computeType})");

    /// <summary>Destroys the handle. Waits for its work.</summary>
    public void Dispose() => _handle.Release("cublasDestroy");

    private nint Enter() => _handle.Enter("CudaBlas");

    private static CUResult Destroy(nint handle)
    {
        Check(CudaBlasNative.cublasDestroy(handle), $"cublasDestroy()");
        return CUResult.Success;
    }

    private static void Check(CublasStatus status, [InterpolatedStringHandlerArgument(nameof(status))] ref CallText call)
    {
        if (status == CublasStatus.Success)
            return;
        string text = $"{Marshal.PtrToStringUTF8((nint)CudaBlasNative.cublasGetStatusString(status))} ({status}, {(int)status})";
        if (status == CublasStatus.ExecutionFailed)
            text += ContextState.Current?.History.Report();
        throw new CudaBlasException(status, call.ToStringAndClear(), text);
    }
}
