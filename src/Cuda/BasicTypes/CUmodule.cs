namespace CsUnet.Cuda.BasicTypes;

/// <summary>A loaded module: the kernels and variables of one cubin or PTX image. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUmodule(nint Pointer);
