namespace CsUnet.Cli;

/// <summary>Text files that the program itself writes: there whole or not at all.</summary>
internal static class OutputFiles
{
    /// <summary>Writes a text file under a temporary name, then renames it; a failure leaves what was there.</summary>
    public static void WriteText(string path, string text)
    {
        string full = Path.GetFullPath(path), temporary = $"{full}.{Environment.ProcessId}.tmp";
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        try
        {
            File.WriteAllText(temporary, text);
            File.Move(temporary, full, overwrite: true);
        }
        finally
        {
            // After the move there is nothing left to delete.
            File.Delete(temporary);
        }
    }
}
