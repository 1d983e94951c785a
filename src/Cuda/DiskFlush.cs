using System.Runtime.InteropServices;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>Brings what was written to a file to the disk.</summary>
public static class DiskFlush
{
    /// <summary>
    /// Writes the buffers of a file, and waits until the disk has them. <see cref="FileStream.Flush(bool)"/> does not say when the disk
    /// fails to.
    /// </summary>
    /// <exception cref="IOException">The disk did not take it. What it holds of the file is unknown.</exception>
    public static void Flush(FileStream file)
    {
        if (OperatingSystem.IsWindows())
        {
            file.Flush(flushToDisk: true);
            return;
        }
        file.Flush(flushToDisk: false);
        if (UnixFile.Synchronise(file.SafeFileHandle) is int error)
            throw new IOException($"{Marshal.GetPInvokeErrorMessage(error)} : '{file.Name}'");
    }
}
