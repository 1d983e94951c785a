using System.Text;
using CsUnet.Cuda;

namespace CsUnet.Training;

/// <summary>Reads and writes text files of a run; failures become a <see cref="RunException"/>.</summary>
internal static class RunFiles
{
    /// <summary>Writes a text file, completely or not at all.</summary>
    /// <exception cref="RunException">The file cannot be written; a previous file is unchanged.</exception>
    public static void WriteText(string path, string text) => CreateText(path, text).Dispose();

    /// <summary>Writes a text file as <see cref="WriteText"/> does and returns it open, to append to it.</summary>
    /// <exception cref="RunException">The file cannot be written; a previous file is unchanged.</exception>
    public static FileStream CreateText(string path, string text)
    {
        try
        {
            return AtomicFile.Create(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"cannot be written ({failure.Message}); a file written there before is untouched", place: path,
                remedy: "check the free space and the permissions of the folder, then run the command again", cause: failure);
        }
    }

    /// <summary>Reads a text file.</summary>
    /// <exception cref="RunException">The file cannot be read.</exception>
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
