using System.Security.Cryptography;

namespace CsUnet.Cuda;

/// <summary>
/// A file that is followed by a mark and the SHA-256 of all before: a shared library stays one with it. Nothing of a library is run, and no
/// page of it is mapped, before the checksum has been found right.
/// </summary>
internal static class ChecksummedFile
{
    private static ReadOnlySpan<byte> Mark => "csunet-checksum\n"u8;

    /// <summary>Adds the checksum to a file and flushes it to the disk, so that it may be renamed into its place.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    internal static void Complete(string path)
    {
        byte[] sum = SHA256.HashData(File.ReadAllBytes(path));
        using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.None);
        FolderTrust.MakePrivate(file);
        file.Write(Mark);
        file.Write(sum);
        DiskFlush.Flush(file);
    }

    /// <summary>Whether a file is there, is this user's own, and has the checksum of its bytes.</summary>
    internal static bool IsWhole(string path)
    {
        try
        {
            if (!FolderTrust.IsOwn(path))
                return false;
            ReadOnlySpan<byte> file = File.ReadAllBytes(path);
            int end = file.Length - SHA256.HashSizeInBytes, content = end - Mark.Length;
            return content > 0 && file[content..end].SequenceEqual(Mark)
                && SHA256.HashData(file[..content]).AsSpan().SequenceEqual(file[end..]);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
