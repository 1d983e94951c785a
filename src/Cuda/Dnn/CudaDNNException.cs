using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Cuda.Dnn;

/// <summary>A cuDNN call failed.</summary>
public sealed class CudaDNNException : CudaException
{
    internal CudaDNNException(cudnnStatus error, string call, string details) : base(CUResult.Success, call, details)
        => CudaDNNError = error;

    /// <summary>The status of the call.</summary>
    public cudnnStatus CudaDNNError { get; }
}
