using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// A temporary folder of this process, where the user has no cache folder that may be used. It is created under a name that did not exist,
/// only this user may enter it, and it is deleted when the process ends. What a killed process has left is removed first.
/// </summary>
internal sealed class PrivateFolder
{
    private const string Prefix = "csunet-cache-";

    private readonly FileStream _lock;

    private PrivateFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    /// <summary>Its path.</summary>
    internal string Path { get; }

    /// <summary>Creates the folder.</summary>
    /// <exception cref="IOException">It cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">As for <see cref="IOException"/>.</exception>
    internal static PrivateFolder Create()
    {
        string path = Directory.CreateTempSubdirectory(Prefix).FullName;
        var folder = new PrivateFolder(path, WorkFolder.Hold(path));
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Remove();
        foreach (string other in Directory.EnumerateDirectories(System.IO.Path.GetDirectoryName(path)!, Prefix + "*"))
            if (IsOwn(other) && WorkFolder.IsLeft(other))
                WorkFolder.TryRemove(other);
        return folder;
    }

    private static bool IsOwn(string folder) => !OperatingSystem.IsLinux()
        || UnixFile.StatusOf(folder, followLinks: false) is { IsFolder: true } status && status.Owner == UnixFile.CurrentUser;

    private void Remove()
    {
        WorkFolder.TryRemove(Path);
        _lock.Dispose();
    }
}
