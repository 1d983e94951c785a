namespace CsUnet.Cuda;

/// <summary>No candidate for a native library could be loaded. The message lists every file that was tried, and why it failed.</summary>
public sealed class CudaLibraryException : CudaException
{
    /// <summary>A failure to load <paramref name="library"/>.</summary>
    public CudaLibraryException(CudaLibrary library, string report) : base(report) => Library = library;

    /// <summary>The library that could not be loaded.</summary>
    public CudaLibrary Library { get; }
}
