using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>Pipes, sockets and devices among the paths that a user gives. To open a pipe may wait for ever.</summary>
public static class SpecialFile
{
    /// <summary>Whether a path names a pipe, a socket or a device, also through links. Only Linux has them under any name.</summary>
    public static bool Is(string path) => OperatingSystem.IsLinux()
        && UnixFile.StatusOf(path, followLinks: true) is { IsFolder: false, IsFile: false };
}
