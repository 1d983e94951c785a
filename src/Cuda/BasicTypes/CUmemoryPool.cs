namespace CsUnet.Cuda.BasicTypes;

/// <summary>A pool for stream-ordered allocations. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUmemoryPool(nint Pointer);
