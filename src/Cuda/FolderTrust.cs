using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// Decides whether what lies in a folder may be run. A folder of compiled code must belong to the user of this process, and nobody else may
/// write to it; nor may everybody write to a folder above it, unless entries there are protected from each other as in <c>/tmp</c>. The
/// same holds for each file. On Windows the folder of a user is private, and is not looked at.
/// </summary>
internal static class FolderTrust
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Why a folder may not be used; null if it may, or if it does not exist and may be created.</summary>
    internal static string? Problem(string folder)
    {
        if (!Path.IsPathFullyQualified(folder))
            return $"'{folder}' is no absolute path";
        if (File.Exists(folder))
            return $"{folder} is a file, expected a folder";
        if (OperatingSystem.IsWindows())
            return null;
        string existing = folder;
        while (!Directory.Exists(existing))
            existing = Path.GetDirectoryName(existing) ?? "/";
        if (OperatingSystem.IsLinux())
            existing = UnixFile.WithoutLinks(existing) ?? existing;
        if (Directory.Exists(folder) && ProblemOf(existing) is { } problem)
            return problem;
        for (string? above = Directory.Exists(folder) ? Path.GetDirectoryName(existing) : existing; above is not null;
            above = Path.GetDirectoryName(above))
        {
            var mode = (int)File.GetUnixFileMode(above);
            if ((mode & UnixFile.OthersWrite) != 0 && (mode & UnixFile.Sticky) == 0)
                return $"everybody may write to {above}, above it (chmod o-w {above})";
        }
        return null;
    }

    /// <summary>Whether a file of a folder that may be used is one of this user, which nobody else may write, and no link.</summary>
    internal static bool IsOwn(string file)
    {
        if (OperatingSystem.IsWindows())
            return File.Exists(file);
        if (!OperatingSystem.IsLinux())
            return File.Exists(file) && ((int)File.GetUnixFileMode(file) & (UnixFile.GroupWrites | UnixFile.OthersWrite)) == 0;
        return UnixFile.StatusOf(file, followLinks: false) is { IsFile: true } status && status.Owner == UnixFile.CurrentUser
            && (status.Mode & (UnixFile.GroupWrites | UnixFile.OthersWrite)) == 0;
    }

    /// <summary>Whether folders and files belong to one user, or to the user of this process or the system, and not everybody may write
    /// them.</summary>
    internal static bool HaveOneOwner(string first, params ReadOnlySpan<string> others)
    {
        if (!OperatingSystem.IsLinux())
            return true;
        if (UnixFile.StatusOf(first, followLinks: true) is not { } owner)
            return false;
        foreach (string other in others)
        {
            if (UnixFile.StatusOf(other, followLinks: true) is not { } status || (status.Mode & UnixFile.OthersWrite) != 0
                || (status.Owner != owner.Owner && status.Owner != UnixFile.CurrentUser && status.Owner != 0))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Creates a folder that only this user may enter, and those above it.</summary>
    /// <exception cref="IOException">It cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">As for <see cref="IOException"/>.</exception>
    internal static void Create(string folder)
    {
        if (Path.GetDirectoryName(folder) is { } above && !Directory.Exists(above))
            Create(above);
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, Owner);
    }

    /// <summary>Takes from all others the right to read or write an open file.</summary>
    internal static void MakePrivate(FileStream file)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file.SafeFileHandle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static string? ProblemOf(string folder)
    {
        if (OperatingSystem.IsWindows())
            return null;
        if (OperatingSystem.IsLinux())
        {
            if (UnixFile.StatusOf(folder, followLinks: true) is not { } status)
                return $"the owner of {folder} cannot be read";
            if (status.Owner != UnixFile.CurrentUser)
                return $"{folder} belongs to another user (number {status.Owner}; this process runs as {UnixFile.CurrentUser})";
        }
        UnixFileMode mode = File.GetUnixFileMode(folder);
        return ((int)mode & (UnixFile.GroupWrites | UnixFile.OthersWrite)) == 0
            ? null
            : $"others may write to {folder} (mode {Convert.ToString((int)mode, 8)}; chmod go-w {folder})";
    }
}
