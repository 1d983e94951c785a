using System.Text;

namespace CsUnet.Training;

/// <summary>Files that are there whole or not at all: written under another name, flushed to the disk, then renamed.</summary>
internal static class AtomicFile
{
    /// <summary>Ends the names of files that are being written. A leftover is the trace of a kill and means nothing.</summary>
    public const string TemporarySuffix = ".tmp";

    /// <summary>Writes a text.</summary>
    /// <exception cref="RunException">It cannot be written; the previous file, if any, is untouched.</exception>
    public static void WriteText(string path, string text) => Guard(path, () =>
    {
        string temporary = path + TemporarySuffix;
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            file.Write(Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    });

    /// <summary>Runs what writes <paramref name="path"/>; a failure removes the unfinished file and becomes one clear error.</summary>
    public static void Guard(string path, Action write)
    {
        try
        {
            write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            TryDelete(path + TemporarySuffix);
            throw new RunException($"cannot be written ({failure.Message}); a file written there before is untouched", place: path,
                remedy: "check the free space and the permissions of the folder, then run the command again", cause: failure);
        }
    }

    /// <summary>Reads a text.</summary>
    /// <exception cref="RunException">It cannot be read.</exception>
    public static string ReadText(string path, string remedy)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            string reason = failure is FileNotFoundException or DirectoryNotFoundException ? "no such file" : failure.Message;
            throw new RunException(reason, place: path, remedy: remedy, cause: failure);
        }
    }

    /// <summary>Deletes a file if that is possible: an unfinished file that stays does no harm, because it is never read.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (IOException)
        {
            return;
        }
        catch (UnauthorizedAccessException)
        {
            return;
        }
    }
}
