using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Robustness;

/// <summary>
/// <c>interrupt.c</c>: a library that stands between a process and the C library, and kills, fails or copies at a chosen call. It is in a
/// process that was started with it in <c>LD_PRELOAD</c>.
/// </summary>
internal static unsafe class Interruption
{
    /// <summary>Kills the process at the call.</summary>
    internal const int Kill = -1;

    /// <summary>Copies the folder before the call: what a kill at this call would leave.</summary>
    internal const int Copy = -2;

    /// <summary>Added to an error: all later calls of the function fail, too.</summary>
    internal const int FromNowOn = 1000;

    internal const string Preload = "LD_PRELOAD", Variable = "CSUNET_INTERRUPT";

    /// <summary>Compiles the library into a folder; null if there is no C compiler.</summary>
    internal static string? Build(TemporaryFolder folder)
    {
        string source = folder.File("interrupt.c"), library = folder.File("interrupt.so");
        using (Stream text = typeof(Interruption).Assembly.GetManifestResourceStream("interrupt.c")!)
        using (FileStream target = File.Create(source))
            text.CopyTo(target);
        try
        {
            using Process compiler = Process.Start("gcc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]);
            compiler.WaitForExit();
            Assert.Equal(0, compiler.ExitCode);
            return library;
        }
        catch (Win32Exception)
        {
            return null; // no gcc: the caller skips the test and says so
        }
    }

    /// <summary>Begins to count the calls on a folder, in this process; the chosen one is interrupted.</summary>
    internal static void Arm(string function, int call, int action, string folder)
    {
        var arm = (delegate* unmanaged<byte*, int, int, byte*, void>)Export("interrupt_arm");
        fixed (byte* name = Encoding.UTF8.GetBytes(function + "\0"), path = Encoding.UTF8.GetBytes(folder + "\0"))
            arm(name, call, action, path);
    }

    /// <summary>Stops counting.</summary>
    internal static void Disarm() => Arm("none", 0, 0, "");

    /// <summary>The number of calls of a function since <see cref="Arm"/>.</summary>
    internal static int Calls(string function)
    {
        var calls = (delegate* unmanaged<byte*, int>)Export("interrupt_calls");
        fixed (byte* name = Encoding.UTF8.GetBytes(function + "\0"))
            return calls(name);
    }

    /// <summary>The number of calls that were interrupted since <see cref="Arm"/>.</summary>
    internal static int Hits() => ((delegate* unmanaged<int>)Export("interrupt_hits"))();

    private static nint Export(string name) =>
        NativeLibrary.GetExport(NativeLibrary.Load(Environment.GetEnvironmentVariable(Preload)!), name);
}
