namespace CsUnet.Cuda.BasicTypes;

/// <summary>An executable graph. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUgraphExec(nint Pointer);
