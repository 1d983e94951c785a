using CsUnet.Cuda;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>Text files that the program writes, completely or not at all.</summary>
internal static class OutputFiles
{
    /// <summary>Writes a text file and creates its folders. If this fails, the previous file is unchanged.</summary>
    /// <exception cref="RunException">It cannot be written.</exception>
    public static void WriteText(string path, string text)
    {
        try
        {
            string full = Path.GetFullPath(path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            AtomicFile.WriteText(full, text);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"cannot be written ({failure.Message.TrimEnd('.')})", place: path,
                remedy: "check the free space and the permissions of the folder, then run the command again", cause: failure);
        }
    }

    /// <summary>
    /// Checks that a file can be written later: before the work, since a result that cannot be written is lost. Leaves nothing behind.
    /// </summary>
    /// <param name="place">The option with its value.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="UsageException">The file cannot be written, or is one of something else.</exception>
    public static void CheckFile(string place, string path)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new UsageException("the value is empty", "a file", place);
        if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
            throw new UsageException("this is a folder", "a file", place, $"give a name in it, such as {Path.Combine(path, "result")}");
        OwnOutput.RequireReplaceable(place, path);
        CheckFolder(place, Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Checks that a folder for results exists or can be made, and that files can be written there. Leaves nothing
    /// behind.</summary>
    /// <param name="place">The option with its value.</param>
    /// <param name="folder">The folder.</param>
    /// <exception cref="UsageException">The folder cannot be made or written to.</exception>
    public static void CheckFolder(string place, string folder)
    {
        if (string.IsNullOrWhiteSpace(folder))
            throw new UsageException("the value is empty", "a folder", place);
        try
        {
            string existing = Path.GetFullPath(folder);
            while (!Directory.Exists(existing))
            {
                if (File.Exists(existing))
                    throw new UsageException($"{existing} is a file", "a folder", place);
                existing = Path.GetDirectoryName(existing)
                    ?? throw new UsageException("there is no such drive", "a writable folder", place);
            }
            string probe = AtomicFile.TemporaryOf(Path.Combine(existing, "probe"));
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"files cannot be written there ({failure.Message.TrimEnd('.')})", "a writable folder", place,
                inner: failure);
        }
    }
}
