using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Cuda;

/// <summary>
/// A CUDA call failed. The message names the call with its arguments, the status, the driver's text and, if known, the
/// remedy. The exceptions of NVRTC, cuBLAS and cuDNN derive from this one.
/// </summary>
public class CudaException : Exception
{
    /// <summary>A failure with a message.</summary>
    public CudaException(string message) : base(message) { }

    /// <summary>A failure with a message and a cause.</summary>
    public CudaException(string message, Exception exception) : base(message, exception) { }

    /// <summary>A failure with a status; the message is the driver's text for it.</summary>
    public CudaException(CUResult error) : this(error, "", DriverText(error)) { }

    /// <summary>A failure with a status and a message.</summary>
    public CudaException(CUResult error, string message, Exception? exception) : base(message, exception) => CudaError = error;

    internal CudaException(CUResult error, string call, string details) : base(call.Length > 0 ? $"{call}: {details}" : details)
        => (CudaError, Call) = (error, call);

    /// <summary>The status of the call; <see cref="CUResult.Success"/> if the driver did not fail.</summary>
    public CUResult CudaError { get; }

    /// <summary>The failed call with its arguments, as in <c>cuMemAlloc(bytes=1024)</c>; empty if no call failed.</summary>
    public string Call { get; } = "";

    private static string DriverText(CUResult error) => Driver.Describe(error);
}
