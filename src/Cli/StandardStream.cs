using System.Globalization;
using System.IO.Pipes;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace CsUnet.Cli;

/// <summary>Standard output and standard error of the process.</summary>
internal static class StandardStream
{
    private const int CloseOnExec = 0x80000;

    // Kept for the life of the process.
    private static readonly List<SafeFileHandle> s_placeholders = [];

    /// <summary>
    /// Opens the null device under every descriptor from 0 to 2 that the caller closed. Otherwise the next file that the program opens, for
    /// example a checkpoint, gets that number, and a message that native code prints is written into it. Call <see cref="IsClosed"/>
    /// before.
    /// </summary>
    public static void FillClosed()
    {
        if (OperatingSystem.IsWindows())
            return;
        SafeFileHandle handle = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        while (handle.DangerousGetHandle() <= 2)
        {
            s_placeholders.Add(handle);
            handle = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        handle.Dispose();
    }

    /// <summary>
    /// Whether the caller closed a descriptor. The number may be in use again: by the runtime, for a file or pipe of its own, which must
    /// not be written to. The system says so: the runtime's own are closed in child processes, inherited ones are not.
    /// </summary>
    public static bool IsClosed(int descriptor)
    {
        if (!OperatingSystem.IsLinux() || !Directory.Exists("/proc/self/fdinfo"))
            return false;
        string path = $"/proc/self/fdinfo/{descriptor.ToString(CultureInfo.InvariantCulture)}";
        if (!File.Exists(path))
            return true;
        const string Flags = "flags:";
        string line = File.ReadLines(path).First(line => line.StartsWith(Flags, StringComparison.Ordinal));
        return (Convert.ToInt64(line[Flags.Length..].Trim(), 8) & CloseOnExec) != 0;
    }

    /// <summary>A writer to a descriptor, 1 or 2; every write reaches the system at once.</summary>
    public static TextWriter Open(int descriptor)
    {
        if (IsClosed(descriptor))
            return new ClosedWriter();
        // The console's stream takes a pipe without a reader for a success. This one reports it.
        Stream stream = Pipe(descriptor)
            ?? (descriptor == 1 ? System.Console.OpenStandardOutput() : System.Console.OpenStandardError());
        Encoding encoding = System.Console.OutputEncoding;
        // Without the mark that some programs expect at the begin of a file.
        if (encoding.CodePage == Encoding.UTF8.CodePage)
            encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return new StreamWriter(stream, encoding) { AutoFlush = true };
    }

    private static AnonymousPipeClientStream? Pipe(int descriptor)
    {
        const string Link = "/proc/self/fd/";
        if (!OperatingSystem.IsLinux()
            || new FileInfo($"{Link}{descriptor.ToString(CultureInfo.InvariantCulture)}").LinkTarget is not { } target
            || !target.StartsWith("pipe:", StringComparison.Ordinal))
            return null;
        return new AnonymousPipeClientStream(PipeDirection.Out, new SafePipeHandle(descriptor, ownsHandle: false));
    }

    /// <summary>A descriptor that the caller closed: every write fails.</summary>
    private sealed class ClosedWriter : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => throw new IOException("it is closed");

        public override void Write(string? value)
        {
            if (!string.IsNullOrEmpty(value))
                throw new IOException("it is closed");
        }
    }
}
