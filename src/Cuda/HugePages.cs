using System.Runtime.InteropServices;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// Huge pages of memory (2 MiB on x64), which a C library may be told to ask for (<c>GLIBC_TUNABLES=glibc.malloc.hugetlb=1</c>). They make
/// a step faster, but a block takes whole pages: a process then holds up to a third more memory than it uses.
/// </summary>
public static partial class HugePages
{
    /// <summary>The share by which huge pages enlarged the peak of trainings, measured, and some more.</summary>
    public const double LargestShare = 0.4;

    private const int Disable = 41;

    /// <summary>Gives up huge pages for the rest of the process if what it needs would not fit with them.</summary>
    /// <param name="need">Bytes that the process will use.</param>
    /// <param name="available">Bytes that it may use.</param>
    public static void AvoidIfScarce(double need, double available)
    {
        if (need * (1 + LargestShare) > available)
            Use(false);
    }

    /// <summary>Whether memory that is touched from now on may be in huge pages. Does nothing but on Linux.</summary>
    public static void Use(bool areUsed)
    {
        if (OperatingSystem.IsLinux())
            _ = prctl(Disable, areUsed ? 0 : 1, 0, 0, 0);
    }

    [LibraryImport(UnixFile.Library)]
    private static partial int prctl(int option, nint first, nint second, nint third, nint fourth);
}
