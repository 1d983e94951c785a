using System.Runtime.InteropServices;
using System.Text;

namespace CsUnet.Cuda.Native;

/// <summary>
/// Tries the candidate files of one library in order and records why each failed. The system is passed in as functions
/// (environment, files, opening), so that tests can check the order and the messages without the libraries.
/// </summary>
/// <param name="windows">Whether to use the names and folders of Windows.</param>
/// <param name="environment">Reads an environment variable.</param>
/// <param name="fileExists">Whether a file exists.</param>
/// <param name="open">Opens a library by name or path.</param>
internal sealed class LibraryLoader(bool windows, Func<string, string?> environment, Func<string, bool> fileExists,
    LibraryLoader.Opener open)
{
    /// <summary>Opens a library; on failure the result is 0 and <paramref name="reason"/> says why.</summary>
    internal delegate nint Opener(string path, out string reason);

    /// <summary>The first candidate that opens; null if none does.</summary>
    /// <param name="library">The library.</param>
    /// <param name="redirect">The only candidate, set by the program; null for none.</param>
    /// <param name="preferredMajor">The CUDA version of the driver, whose libraries come first; null if unknown.</param>
    /// <param name="report">The path that was loaded, or the list of failures.</param>
    internal LoadedLibrary? Load(CudaLibrary library, string? redirect, int? preferredMajor, out string report)
    {
        string variable = EnvironmentVariable(library);
        string? fromEnvironment = environment(variable);
        IEnumerable<string> candidates;
        string origin;
        if (redirect is not null)
            (candidates, origin) = ([redirect], "redirected by the program");
        else if (!string.IsNullOrEmpty(fromEnvironment))
            (candidates, origin) = ([fromEnvironment], $"from the environment variable {variable}");
        else
            (candidates, origin) = (Candidates(library, preferredMajor), "");

        var failures = new StringBuilder();
        foreach (string candidate in candidates)
        {
            string reason;
            if (Path.IsPathRooted(candidate) && !fileExists(candidate))
            {
                reason = "no such file";
            }
            else
            {
                nint handle = open(candidate, out reason);
                if (handle != 0)
                {
                    report = candidate;
                    return new LoadedLibrary(candidate, handle);
                }
            }
            failures.Append("\n  ").Append(candidate);
            if (origin.Length > 0)
                failures.Append(" (").Append(origin).Append(')');
            failures.Append(": ").Append(reason);
        }
        if (origin.Length > 0)
        {
            // There is one candidate, and what to install does not matter.
            report = $"{Title(library).TrimEnd(',')} could not be loaded: {failures.ToString().Trim()}";
            return null;
        }
        report = $"{Title(library)} could not be loaded. Tried, in this order:{failures}\n{Remedy(library)} " +
            $"Or name the file in the environment variable {variable}.";
        return null;
    }

    /// <summary>All candidates, in the order in which they are tried.</summary>
    internal IEnumerable<string> Candidates(CudaLibrary library, int? preferredMajor)
    {
        string[] names = Names(library, preferredMajor);
        foreach (string name in names)
            yield return name;
        foreach (string folder in Folders(library))
            foreach (string name in names)
                yield return Join(folder, name);
    }

    internal static string EnvironmentVariable(CudaLibrary library) => library switch
    {
        CudaLibrary.Driver => "CSUNET_CUDA_LIBRARY",
        CudaLibrary.Nvrtc => "CSUNET_NVRTC_LIBRARY",
        CudaLibrary.CuBlas => "CSUNET_CUBLAS_LIBRARY",
        _ => "CSUNET_CUDNN_LIBRARY",
    };

    /// <summary>Opens a library through the system's loader.</summary>
    internal static nint Open(string path, out string reason)
    {
        if (Path.IsPathRooted(path) && OperatingSystem.IsLinux() && ElfFile.IsCut(path))
        {
            // The system's loader would map it and die of a bus error.
            reason = "the file is cut short; restore it";
            return 0;
        }
        reason = "";
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException)
        {
            // The runtime surrounds the loader's message ("cannot open shared object file") with several lines of advice.
            string[] lines = failure.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            reason = lines.Length > 1 ? lines.FirstOrDefault(line => line.Contains(':') && line.StartsWith(path, StringComparison.Ordinal))
                ?? lines[^1] : failure.Message;
            if (reason.StartsWith(path + ":", StringComparison.Ordinal))
                reason = reason[(path.Length + 1)..].Trim();
            return 0;
        }
    }

    private string[] Names(CudaLibrary library, int? preferredMajor)
    {
        if (library == CudaLibrary.Driver)
            return windows ? ["nvcuda.dll"] : ["libcuda.so.1", "libcuda.so"];

        // A file and its CUDA version; newest first. cuDNN's versions do not depend on the driver's.
        (int Major, string Name)[] versions = (library, windows) switch
        {
            (CudaLibrary.Nvrtc, false) => [(13, "libnvrtc.so.13"), (12, "libnvrtc.so.12"), (11, "libnvrtc.so.11.2")],
            (CudaLibrary.Nvrtc, true) => [(13, "nvrtc64_130_0.dll"), (12, "nvrtc64_120_0.dll"), (11, "nvrtc64_112_0.dll")],
            (CudaLibrary.CuBlas, false) => [(13, "libcublas.so.13"), (12, "libcublas.so.12"), (11, "libcublas.so.11")],
            (CudaLibrary.CuBlas, true) => [(13, "cublas64_13.dll"), (12, "cublas64_12.dll"), (11, "cublas64_11.dll")],
            (_, false) => [(0, "libcudnn.so.9"), (0, "libcudnn.so.8")],
            (_, true) => [(0, "cudnn64_9.dll"), (0, "cudnn64_8.dll")],
        };
        // A driver runs code of its own CUDA version and of older ones, and not always newer code, so newer libraries come last.
        IEnumerable<string> ordered = preferredMajor is { } driver
            ? versions.Where(version => version.Major <= driver).Concat(versions.Where(version => version.Major > driver).Reverse())
                .Select(version => version.Name)
            : versions.Select(version => version.Name);
        return [.. ordered];
    }

    private IEnumerable<string> Folders(CudaLibrary library)
    {
        if (library == CudaLibrary.Driver)
        {
            if (!windows)
                yield return "/usr/lib/wsl/lib";
            yield break;
        }
        yield return AppContext.BaseDirectory;
        foreach (string variable in (string[])["CUDA_PATH", "CUDA_HOME"])
        {
            if (environment(variable) is not { Length: > 0 } toolkit)
                continue;
            if (windows)
            {
                yield return Join(toolkit, "bin");
                yield return Join(Join(toolkit, "bin"), "x64");
            }
            else
            {
                yield return Join(toolkit, "lib64");
            }
        }
        if (!windows)
            yield return "/usr/local/cuda/lib64";
    }

    private string Join(string folder, string name) => folder.TrimEnd('/', '\\') + (windows ? '\\' : '/') + name;

    private static string Title(CudaLibrary library) => library switch
    {
        CudaLibrary.Driver => "The CUDA driver library",
        CudaLibrary.Nvrtc => "NVRTC, the CUDA run-time compiler,",
        CudaLibrary.CuBlas => "cuBLAS",
        _ => "cuDNN",
    };

    private static string Remedy(CudaLibrary library) => library switch
    {
        CudaLibrary.Driver => "Install NVIDIA's driver for CUDA 11.8 or newer.",
        CudaLibrary.Nvrtc => "Install NVRTC 11.8 to 13 (one library of the CUDA toolkit; the toolkit itself is not needed).",
        CudaLibrary.CuBlas => "Install cuBLAS 11 to 13.",
        _ => "Install cuDNN 8 or 9.",
    };
}
