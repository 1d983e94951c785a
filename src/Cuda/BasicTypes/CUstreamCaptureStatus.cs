namespace CsUnet.Cuda.BasicTypes;

/// <summary>Whether a stream is being captured.</summary>
public enum CUstreamCaptureStatus
{
    /// <summary>Not captured.</summary>
    None = 0,

    /// <summary>Captured.</summary>
    Active = 1,

    /// <summary>Captured, but an error has invalidated the capture; EndCapture must still be called.</summary>
    Invalidated = 2,
}
