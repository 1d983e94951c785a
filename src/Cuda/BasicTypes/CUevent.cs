namespace CsUnet.Cuda.BasicTypes;

/// <summary>A point in a stream that can be waited for and timed. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUevent(nint Pointer);
