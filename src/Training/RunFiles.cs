using CsUnet.Cuda;

namespace CsUnet.Training;

/// <summary>Text files of a run; what goes wrong with them is a <see cref="RunException"/>.</summary>
internal static class RunFiles
{
    /// <summary>Writes a text; the file is there whole or not at all.</summary>
    /// <exception cref="RunException">It cannot be written; the previous file, if any, is untouched.</exception>
    public static void WriteText(string path, string text)
    {
        try
        {
            AtomicFile.WriteText(path, text);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
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
}
