namespace CsUnet.Cuda.BasicTypes;

/// <summary>A stream: work runs in the order it was enqueued. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is the default (legacy) stream, which waits for every other blocking stream.</param>
public readonly record struct CUstream(nint Pointer)
{
    /// <summary>The default stream of the current context.</summary>
    public static CUstream NullStream => default;
}
