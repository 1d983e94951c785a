namespace CsUnet.Cuda.BasicTypes;

/// <summary>A kernel of a loaded module. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUfunction(nint Pointer);
