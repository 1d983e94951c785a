using System.Security.Cryptography;
using System.Text;

namespace CsUnet.Cuda;

/// <summary>
/// Writes files that are there whole or not at all: into a temporary file in the same folder, which is flushed to the disk and then
/// renamed. The temporary file is created under a random name and must not exist before, so that no file or link that somebody has put
/// there is written to. A kill leaves it behind; <see cref="TargetOf"/> recognises it.
/// </summary>
/// <remarks>It stands in the lowest project, since all others write files.</remarks>
public static class AtomicFile
{
    private const string Suffix = ".tmp";
    private const int RandomDigits = 32;
    // What is left of the 255 bytes that file systems allow.
    private const int LongestName = 200;

    /// <summary>Writes a file.</summary>
    /// <param name="path">The target; its folder exists. A link there is replaced, not followed.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">It cannot be written; what was there before is untouched, and no temporary file stays
    /// behind.</exception>
    /// <exception cref="UnauthorizedAccessException">As for <see cref="IOException"/>.</exception>
    public static void Write(string path, Action<FileStream> write)
    {
        string full = Path.GetFullPath(path), temporary = TemporaryOf(full);
        var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        try
        {
            using (stream)
            {
                write(stream);
                DiskFlush.Flush(stream);
            }
            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
    }

    /// <summary>Writes a text as UTF-8.</summary>
    /// <exception cref="IOException">As for <see cref="Write"/>.</exception>
    /// <exception cref="UnauthorizedAccessException">As for <see cref="IOException"/>.</exception>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>A name for a temporary file of a target: <c>name.RANDOM.tmp</c>.</summary>
    public static string TemporaryOf(string path)
    {
        string name = Path.GetFileName(path), random = RandomNumberGenerator.GetHexString(RandomDigits, lowercase: true);
        return Path.Combine(Path.GetDirectoryName(path) ?? "",
            $"{(Encoding.UTF8.GetByteCount(name) > LongestName ? "long" : name)}.{random}{Suffix}");
    }

    /// <summary>The name of the file that a temporary file was to become; null if the name is not one of a temporary file.</summary>
    /// <param name="name">A file's name without its folder.</param>
    public static string? TargetOf(string name)
    {
        int length = name.Length - Suffix.Length - RandomDigits - 1;
        return length > 0 && name.EndsWith(Suffix, StringComparison.Ordinal) && name[length] == '.'
            && name.AsSpan(length + 1, RandomDigits).IndexOfAnyExcept("0123456789abcdef") < 0
            ? name[..length]
            : null;
    }

    /// <summary>Deletes a file if that is possible: an unfinished one that cannot be deleted does no harm, since nobody reads it.</summary>
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
