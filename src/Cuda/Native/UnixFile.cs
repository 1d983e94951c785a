using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace CsUnet.Cuda.Native;

/// <summary>What .NET does not tell of a file on Linux: its owner, its path without links, and a lock that names no region.</summary>
internal static unsafe partial class UnixFile
{
    /// <summary>The C library, by way of the program: what a user has put before it with <c>LD_PRELOAD</c> comes first, as for all other
    /// calls.</summary>
    internal const string Library = "csunet-c-library";

    /// <summary>The bits of a mode: writable by the group, writable by others, and only owners may rename or delete entries.</summary>
    internal const int GroupWrites = 0x10, OthersWrite = 0x2, Sticky = 0x200;

    private const int TypeMask = 0xF000, Folder = 0x4000, Regular = 0x8000;
    private const int CurrentFolder = -100, NotThroughLinks = 0x100, OwnerTypeAndMode = 0x1 | 0x2 | 0x8;
    private const int LongestPath = 4096, Exclusive = 2, WithoutWaiting = 4;
    private const int WouldBlock = 11, Interrupted = 4, NotSupportedByFile = 22;

    /// <summary>The result of an attempt to lock a file.</summary>
    internal enum LockResult
    {
        /// <summary>The lock is held now, until the file is closed.</summary>
        Taken,

        /// <summary>Another open file holds it.</summary>
        HeldByAnother,

        /// <summary>The file system has no locks.</summary>
        Unknown,
    }

    /// <summary>The user whose rights this process has.</summary>
    internal static uint CurrentUser => geteuid();

    /// <summary>The status of a file; null if it cannot be read, for example because there is none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="followLinks">Whether a link stands for its target.</param>
    internal static Status? StatusOf(string path, bool followLinks)
    {
        StatusBuffer buffer;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
            return statx(CurrentFolder, name, followLinks ? 0 : NotThroughLinks, OwnerTypeAndMode, &buffer) == 0
                ? new Status(buffer.Owner, buffer.Mode & ~TypeMask, (buffer.Mode & TypeMask) == Folder,
                    (buffer.Mode & TypeMask) == Regular)
                : null;
    }

    /// <summary>The path of an existing file or folder without links; null if there is none.</summary>
    internal static string? WithoutLinks(string path)
    {
        byte* full = stackalloc byte[LongestPath];
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
            return realpath(name, full) is null ? null : Marshal.PtrToStringUTF8((nint)full);
    }

    /// <summary>Locks an open file without waiting. The kernel releases the lock when the process ends, also when it is killed.</summary>
    internal static LockResult Lock(SafeFileHandle file) =>
        flock(file, Exclusive | WithoutWaiting) == 0 ? LockResult.Taken
        : Marshal.GetLastPInvokeError() == WouldBlock ? LockResult.HeldByAnother
        : LockResult.Unknown;

    /// <summary>Waits until the disk has what was written to a file. Returns the number of the error; null if there was none, or if the
    /// file is of a kind that no disk holds.</summary>
    internal static int? Synchronise(SafeFileHandle file)
    {
        while (fsync(file) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != Interrupted)
                return error == NotSupportedByFile ? null : error;
        }
        return null;
    }

    [LibraryImport(Library, SetLastError = true)]
    private static partial int fsync(SafeFileHandle file);

    [LibraryImport(Library)]
    private static partial uint geteuid();

    [LibraryImport(Library)]
    private static partial int statx(int folder, byte* path, int flags, uint mask, StatusBuffer* status);

    [LibraryImport(Library)]
    private static partial byte* realpath(byte* path, byte* resolved);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);

    /// <param name="Owner">The owner's number.</param>
    /// <param name="Mode">The permissions, with the sticky bit.</param>
    /// <param name="IsFolder">Whether it is a folder.</param>
    /// <param name="IsFile">Whether it is a regular file.</param>
    internal readonly record struct Status(uint Owner, int Mode, bool IsFolder, bool IsFile);

    // Linux's struct statx, which is the same on all machines.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatusBuffer
    {
        [FieldOffset(20)] public uint Owner;
        [FieldOffset(28)] public ushort Mode;
    }
}
