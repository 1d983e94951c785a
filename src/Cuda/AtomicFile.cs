using System.Security.Cryptography;
using System.Text;

namespace CsUnet.Cuda;

/// <summary>
/// Writes files that are there whole or not at all: into a temporary file in the same folder, which is flushed to the disk and then
/// renamed. The temporary file is created under a random name and must not exist before, so that no file or link that somebody has put
/// there is written to. Its writer holds it locked until it is renamed. A kill leaves it behind, without its lock;
/// <see cref="TargetOf"/> recognises it, and <see cref="DeleteIfAbandoned"/> deletes it.
/// </summary>
/// <remarks>It stands in the lowest project, since all others write files.</remarks>
public static class AtomicFile
{
    private const string Suffix = ".tmp";
    private const int RandomDigits = 32;
    // What is left of the 255 bytes that file systems allow.
    private const int LongestName = 200;
    // Another process may take a file for abandoned in the moment between its creation and its lock, hardly twice in a row.
    private const int Attempts = 5;

    // The temporary files that are being written now; also the lock that guards it.
    private static readonly HashSet<string> s_unfinished = [];

    /// <summary>Writes a file.</summary>
    /// <param name="path">The target; its folder exists. A link there is replaced, not followed.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">It cannot be written; what was there before is untouched, and no temporary file stays
    /// behind.</exception>
    /// <exception cref="UnauthorizedAccessException">As for <see cref="IOException"/>.</exception>
    public static void Write(string path, Action<FileStream> write) => Create(path, write).Dispose();

    /// <summary>Writes a text as UTF-8.</summary>
    /// <exception cref="IOException">As for <see cref="Write"/>.</exception>
    /// <exception cref="UnauthorizedAccessException">As for <see cref="IOException"/>.</exception>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>
    /// Writes a file as <see cref="Write"/> does and returns it open. What is written to it goes to this file even if a link is put in its
    /// place.
    /// </summary>
    /// <param name="path">As for <see cref="Write"/>.</param>
    /// <param name="write">Writes the content so far.</param>
    /// <exception cref="IOException">As for <see cref="Write"/>.</exception>
    /// <exception cref="UnauthorizedAccessException">As for <see cref="IOException"/>.</exception>
    public static FileStream Create(string path, Action<FileStream> write)
    {
        string full = Path.GetFullPath(path);
        (FileStream stream, string temporary) = CreateTemporary(full);
        try
        {
            write(stream);
            DiskFlush.Flush(stream);
            lock (s_unfinished)
            {
                // The file is renamed while it is locked, so that nobody takes it for abandoned.
                File.Move(temporary, full, overwrite: true);
                s_unfinished.Remove(temporary);
            }
            return stream;
        }
        catch
        {
            stream.Dispose();
            lock (s_unfinished)
            {
                TryDelete(temporary);
                s_unfinished.Remove(temporary);
            }
            throw;
        }
    }

    /// <summary>
    /// Deletes the temporary files that are being written, and lets no thread of this process begin or finish another one. Only for a
    /// process that ends now.
    /// </summary>
    public static void Abandon()
    {
        // A thread that hangs in the file system holds the lock for ever; the process must end nevertheless.
        if (!Monitor.TryEnter(s_unfinished, TimeSpan.FromSeconds(1)))
            return;
        foreach (string temporary in s_unfinished)
            TryDelete(temporary);
    }

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

    /// <summary>Deletes a temporary file unless its writer is alive, in this process or another.</summary>
    /// <param name="temporary">A file whose name <see cref="TargetOf"/> recognises.</param>
    public static void DeleteIfAbandoned(string temporary)
    {
        try
        {
            if (new FileInfo(temporary).LinkTarget is not null)
                return;
            // Succeeds only if no writer holds the lock. The file is deleted while this process holds it.
            using var stream = new FileStream(temporary, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1,
                FileOptions.DeleteOnClose);
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

    /// <summary>Creates a new file that is locked until it is closed. Others may read it; on Windows, it can be renamed.</summary>
    private static (FileStream Stream, string Path) CreateTemporary(string path)
    {
        for (int attempt = 1; ; attempt++)
        {
            string temporary = TemporaryOf(path);
            lock (s_unfinished)
            {
                FileStream stream;
                try
                {
                    // Without a buffer, closing the file after a failure has nothing left to write and cannot fail again.
                    stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete,
                        bufferSize: 0);
                }
                catch (IOException) when (attempt < Attempts && File.Exists(temporary))
                {
                    continue;
                }
                if (attempt == Attempts || File.Exists(temporary))
                {
                    s_unfinished.Add(temporary);
                    return (stream, temporary);
                }
                stream.Dispose();
            }
        }
    }
}
