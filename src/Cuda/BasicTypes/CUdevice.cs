namespace CsUnet.Cuda.BasicTypes;

/// <summary>A device's handle: its number.</summary>
/// <param name="Pointer">The number that the driver gave the device.</param>
public readonly record struct CUdevice(int Pointer);
