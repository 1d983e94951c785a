namespace CsUnet.Cuda.BasicTypes;

/// <summary>A point in a stream to wait for and to measure time with. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUevent(nint Pointer);
