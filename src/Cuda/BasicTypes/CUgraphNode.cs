namespace CsUnet.Cuda.BasicTypes;

/// <summary>A node of a graph. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUgraphNode(nint Pointer);
