using System.Security.Cryptography;
using System.Text.RegularExpressions;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// A folder in which something is made before it is moved to its place. Its name is random, so that processes never meet in one, and a
/// lock file in it is held as long as the process lives. A process that is killed leaves the folder behind; the next one finds that nobody
/// holds the lock, and removes it.
/// </summary>
internal sealed partial class WorkFolder : IDisposable
{
    private const string LockFile = "lock";

    // On a file system without locks, nobody compiles for that long.
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);

    private readonly FileStream _lock;

    private WorkFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    /// <summary>Its path.</summary>
    internal string Path { get; }

    /// <summary>Creates a folder <c>NAME.RANDOM.tmp</c> that only this user may enter.</summary>
    /// <exception cref="IOException">It cannot be created.</exception>
    internal static WorkFolder Create(string parent, string name)
    {
        string path = System.IO.Path.Combine(parent, $"{name}.{RandomNumberGenerator.GetHexString(32, lowercase: true)}.tmp");
        FolderTrust.Create(path);
        return new WorkFolder(path, Hold(path));
    }

    /// <summary>Puts a lock file into a folder. It gets its name when it is locked, so that a lock file that nobody holds always means
    /// that its process has ended.</summary>
    internal static FileStream Hold(string folder)
    {
        string unnamed = System.IO.Path.Combine(folder, "lock.new");
        var held = new FileStream(unnamed, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (OperatingSystem.IsWindows() || (OperatingSystem.IsLinux() && UnixFile.Lock(held.SafeFileHandle) == UnixFile.LockResult.Taken))
            File.Move(unnamed, System.IO.Path.Combine(folder, LockFile));
        return held;
    }

    /// <summary>Removes the folders that killed processes have left. Only names that this class, or the emulator, gives are looked
    /// at.</summary>
    internal static void RemoveLeftovers(string parent)
    {
        foreach (string folder in Directory.EnumerateDirectories(parent))
            if (LeftName().IsMatch(System.IO.Path.GetFileName(folder)) && IsLeft(folder))
                TryRemove(folder);
    }

    /// <summary>Whether the process that made a folder has ended.</summary>
    internal static bool IsLeft(string folder)
    {
        try
        {
            string file = System.IO.Path.Combine(folder, LockFile);
            if (!File.Exists(file))
                return DateTime.UtcNow - Directory.GetLastWriteTimeUtc(folder) > s_longest;
            if (!OperatingSystem.IsLinux())
                return DateTime.UtcNow - File.GetLastWriteTimeUtc(file) > s_longest;
            using var probe = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return UnixFile.Lock(probe.SafeFileHandle) == UnixFile.LockResult.Taken;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Another process is removing it, or it is another user's.
            return false;
        }
    }

    /// <summary>Removes a folder with its files, if that is possible: what cannot be removed is found again the next time.</summary>
    internal static void TryRemove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
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

    /// <summary>Removes the folder, then releases the lock.</summary>
    public void Dispose()
    {
        TryRemove(Path);
        _lock.Dispose();
    }

    // Also those of earlier versions, which ended in the number of the process.
    [GeneratedRegex(@"^([0-9a-f]{16}|[0-9a-f]{32}|copies)\.([0-9a-f]{32}\.tmp|[0-9]+\.[0-9]+)$")]
    private static partial Regex LeftName();
}
