namespace CsUnet.Cuda.BasicTypes;

/// <summary>What other threads may do while a stream is captured.</summary>
public enum CUstreamCaptureMode
{
    /// <summary>No thread may make calls that a capture forbids (allocation, for one).</summary>
    Global = 0,

    /// <summary>This thread may not.</summary>
    ThreadLocal = 1,

    /// <summary>Every thread may.</summary>
    Relaxed = 2,
}
