namespace CsUnet.Cuda.BasicTypes;

/// <summary>A driver context: one process's memory, modules and streams on one device. An opaque pointer.</summary>
/// <param name="Pointer">The driver's pointer; 0 is no handle.</param>
public readonly record struct CUcontext(nint Pointer);
