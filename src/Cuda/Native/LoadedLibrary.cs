namespace CsUnet.Cuda.Native;

internal sealed record LoadedLibrary(string Path, nint Handle);
