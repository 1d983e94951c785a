using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Cuda.Blas;

/// <summary>A cuBLAS call failed.</summary>
public sealed class CudaBlasException : CudaException
{
    internal CudaBlasException(CublasStatus error, string call, string details) : base(CUResult.Success, call, details)
        => CudaBlasError = error;

    /// <summary>The status of the call.</summary>
    public CublasStatus CudaBlasError { get; }
}
