using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace CsUnet.Tests.Cuda;

/// <summary>
/// A fake of the driver, NVRTC, cuBLAS and cuDNN in 300 lines of C. Device memory is host memory, there are three kernels, and calls can be
/// made to fail on demand. It tests what the emulator cannot: the arguments that the binding passes on, and its messages when a call fails.
/// </summary>
internal static unsafe class FakeDriver
{
    private static readonly Lock s_lock = new();

    /// <summary>The compiled library; null if there is no C compiler.</summary>
    internal static string? Build()
    {
        lock (s_lock)
        {
            string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(FakeDriverSource.Text)))[..16];
            // Beside the tests: in the temporary folder it could be somebody else's.
            string library = Path.Combine(AppContext.BaseDirectory, $"fake-driver-{hash}.so");
            if (File.Exists(library))
                return library;
            string source = Path.Combine(AppContext.BaseDirectory, $"fake-driver-{Guid.NewGuid():N}.c");
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
                return null; // no gcc: the caller skips the test and says so
            }
            finally
            {
                File.Delete(source);
            }
            File.Move(output, library, overwrite: true);
            return library;
        }
    }

    /// <summary>Makes the next call of a function fail with a status, after <paramref name="after"/> successful calls.</summary>
    internal static void Fail(string library, string function, int status, int after = 0)
    {
        var fail = (delegate* unmanaged<byte*, int, int, void>)NativeLibrary.GetExport(NativeLibrary.Load(library), "fake_fail");
        fixed (byte* name = Encoding.UTF8.GetBytes(function + "\0"))
            fail(name, status, after);
    }

    /// <summary>Returns every call so far, one per line, with the arguments that tests check; clears the list.</summary>
    internal static string Calls(string library)
    {
        var calls = (delegate* unmanaged<byte*>)NativeLibrary.GetExport(NativeLibrary.Load(library), "fake_calls");
        return Marshal.PtrToStringUTF8((nint)calls())!;
    }
}
