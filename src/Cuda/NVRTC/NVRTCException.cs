using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Cuda.NVRTC;

/// <summary>An NVRTC call failed. For a source that does not compile, the message holds the compiler's log.</summary>
public sealed class NVRTCException : CudaException
{
    internal NVRTCException(nvrtcResult error, string call, string details) : base(CUResult.Success, call, details) => NVRTCError = error;

    /// <summary>The status of the call.</summary>
    public nvrtcResult NVRTCError { get; }
}
