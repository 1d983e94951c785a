namespace CsUnet.Cuda.BasicTypes;

/// <summary>What other threads may do while a stream is captured.</summary>
public enum CUstreamCaptureMode
{
    /// <summary>No thread may make calls that are forbidden during capture, such as allocations.</summary>
    Global = 0,

    /// <summary>Only this thread may not make them.</summary>
    ThreadLocal = 1,

    /// <summary>Every thread may make them.</summary>
    Relaxed = 2,
}
