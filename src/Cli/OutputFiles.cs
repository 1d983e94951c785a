using CsUnet.Cuda;

namespace CsUnet.Cli;

/// <summary>Text files that the program itself writes: there whole or not at all.</summary>
internal static class OutputFiles
{
    /// <summary>Writes a text file and the folders above it; a failure leaves what was there.</summary>
    public static void WriteText(string path, string text)
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        AtomicFile.WriteText(full, text);
    }
}
