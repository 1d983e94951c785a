using CsUnet.Cuda;

namespace CsUnet.Cli;

/// <summary>Text files that the program writes, completely or not at all.</summary>
internal static class OutputFiles
{
    /// <summary>Writes a text file and creates its folders. If this fails, the previous file is unchanged.</summary>
    public static void WriteText(string path, string text)
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        AtomicFile.WriteText(full, text);
    }
}
