using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace CsUnet.Tests.Cuda;

/// <summary>
/// A stand-in for driver, NVRTC, cuBLAS and cuDNN in 300 lines of C: device memory is host memory, three kernels exist, calls can be made
/// to fail on demand. It proves the binding where the emulator cannot: what it passes on, and what it says when a call fails.
/// </summary>
internal static unsafe class FakeDriver
{
    private static readonly Lock s_lock = new();

    /// <summary>The compiled library; null without a C compiler.</summary>
    internal static string? Build()
    {
        lock (s_lock)
        {
            string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(FakeDriverSource.Text)))[..16];
            string library = Path.Combine(Path.GetTempPath(), $"csunet-fake-driver-{hash}.so");
            if (File.Exists(library))
                return library;
            string source = Path.Combine(Path.GetTempPath(), $"csunet-fake-driver-{Guid.NewGuid():N}.c");
            string output = source + ".so";
            File.WriteAllText(source, FakeDriverSource.Text);
            try
            {
                using Process? compiler = Process.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-O1", "-w", "-o", output,
                    source]));
                compiler!.WaitForExit();
                Assert.Equal(0, compiler.ExitCode);
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return null; // no gcc: the caller skips and says so
            }
            finally
            {
                File.Delete(source);
            }
            File.Move(output, library, overwrite: true);
            return library;
        }
    }

    /// <summary>The next call of a function fails with a status, after letting <paramref name="after"/> calls succeed.</summary>
    internal static void Fail(string library, string function, int status, int after = 0)
    {
        var fail = (delegate* unmanaged<byte*, int, int, void>)NativeLibrary.GetExport(NativeLibrary.Load(library), "fake_fail");
        fixed (byte* name = Encoding.UTF8.GetBytes(function + "\0"))
            fail(name, status, after);
    }

    /// <summary>Every call so far, one a line, with the arguments that tests look at; clears the list.</summary>
    internal static string Calls(string library)
    {
        var calls = (delegate* unmanaged<byte*>)NativeLibrary.GetExport(NativeLibrary.Load(library), "fake_calls");
        return Marshal.PtrToStringUTF8((nint)calls())!;
    }
}
