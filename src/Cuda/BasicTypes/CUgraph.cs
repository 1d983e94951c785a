namespace CsUnet.Cuda.BasicTypes;

/// <summary>A graph: work and its dependencies, to be instantiated. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUgraph(nint Pointer);
