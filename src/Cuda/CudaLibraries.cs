using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// Finds and loads the native libraries, each on the first call that needs it. A loaded library stays for the
/// life of the process. A missing library is searched for again on the next call, so a program can switch to the emulator.
/// </summary>
/// <remarks>
/// Search order for each library: the target of <see cref="Redirect"/>; else the file named by an environment variable
/// (<c>CSUNET_CUDA_LIBRARY</c>, <c>CSUNET_NVRTC_LIBRARY</c>, <c>CSUNET_CUBLAS_LIBRARY</c>, <c>CSUNET_CUDNN_LIBRARY</c>), else the names
/// of CUDA 11.8 to 13 on the system's search path, beside the program, and in the toolkit folder of <c>CUDA_PATH</c> or <c>CUDA_HOME</c>.
/// Of several versions the one that matches the installed driver is tried first. All members may be called from any thread.
/// </remarks>
public static class CudaLibraries
{
    internal const string DriverName = "csunet-cuda-driver";
    internal const string NvrtcName = "csunet-nvrtc";
    internal const string CuBlasName = "csunet-cublas";
    internal const string CuDnnName = "csunet-cudnn";

    private static readonly string[] s_importNames = [DriverName, NvrtcName, CuBlasName, CuDnnName];
    private static readonly Lock s_lock = new();
    private static readonly LoadedLibrary?[] s_loaded = new LoadedLibrary?[s_importNames.Length];
    private static readonly string?[] s_redirects = new string?[s_importNames.Length];

    /// <summary>Whether the driver is redirected to the emulator.</summary>
    public static bool IsEmulated { get; private set; }

    /// <summary>The file that a library was loaded from; null while it is not loaded.</summary>
    public static string? LoadedPath(CudaLibrary library)
    {
        lock (s_lock)
            return s_loaded[(int)library]?.Path;
    }

    /// <summary>
    /// Redirects the driver, NVRTC and cuBLAS to the emulator's library, which exports the C symbols of all three.
    /// Call it before anything else of this namespace: a process has one driver.
    /// </summary>
    /// <param name="path">The emulator's shared library.</param>
    /// <exception cref="InvalidOperationException">One of the libraries is already loaded from another file.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static void UseEmulator(string path)
    {
        path = Path.GetFullPath(path);
        if (!File.Exists(path))
            throw new FileNotFoundException($"CudaLibraries.UseEmulator: {path} does not exist. Build the emulator first.", path);
        Redirect(CudaLibrary.Driver, path);
        Redirect(CudaLibrary.Nvrtc, path);
        Redirect(CudaLibrary.CuBlas, path);
        IsEmulated = true;
    }

    /// <summary>Makes one file the only candidate for a library.</summary>
    /// <param name="library">The library.</param>
    /// <param name="path">Its file, or a name for the system's search path.</param>
    /// <exception cref="InvalidOperationException">The library is already loaded from another file.</exception>
    public static void Redirect(CudaLibrary library, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        lock (s_lock)
        {
            if (s_loaded[(int)library] is { } loaded && loaded.Path != path)
            {
                throw new InvalidOperationException($"CudaLibraries: {library} is already loaded from {loaded.Path} and cannot be " +
                    $"redirected to {path}: a process has one driver. Redirect before the first CUDA call, or start a new process.");
            }
            s_redirects[(int)library] = path;
        }
    }

    /// <summary>Loads a library unless it is loaded.</summary>
    /// <returns>The handle of the library.</returns>
    /// <exception cref="CudaLibraryException">No candidate could be loaded; the message lists all of them, each with its
    /// reason.</exception>
    public static nint Load(CudaLibrary library)
    {
        if (!TryLoad(library, out nint handle, out string report))
            throw new CudaLibraryException(library, report);
        return handle;
    }

    /// <summary>Loads a library unless it is loaded.</summary>
    /// <param name="library">The library.</param>
    /// <param name="report">The file it was loaded from; or every candidate, each with the reason why it failed.</param>
    /// <returns>Whether the library is loaded now.</returns>
    public static bool TryLoad(CudaLibrary library, out string report) => TryLoad(library, out _, out report);

    private static bool TryLoad(CudaLibrary library, out nint handle, out string report)
    {
        // The matching NVRTC depends on the driver's version. Query it before taking the lock, because the query loads the driver.
        int? preferredMajor = library == CudaLibrary.Driver || LoadedPath(library) is not null ? null : DriverMajor();
        lock (s_lock)
        {
            if (s_loaded[(int)library] is { } loaded)
            {
                (handle, report) = (loaded.Handle, loaded.Path);
                return true;
            }
            var loader = new LibraryLoader(OperatingSystem.IsWindows(), Environment.GetEnvironmentVariable, File.Exists,
                LibraryLoader.Open);
            LoadedLibrary? found = loader.Load(library, s_redirects[(int)library], preferredMajor, out report);
            if (found is not null)
                TellCache(found.Handle);
            s_loaded[(int)library] = found;
            handle = found?.Handle ?? 0;
            return found is not null;
        }
    }

    /// <summary>Tells the emulator where to keep the kernels that it compiles, unless <c>CSUNET_EMULATOR_CACHE</c> does.</summary>
    private static unsafe void TellCache(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "csunet_emulator_set_cache", out nint function)
            || Environment.GetEnvironmentVariable("CSUNET_EMULATOR_CACHE") is { Length: > 0 })
        {
            return;
        }
        fixed (byte* folder = Encoding.UTF8.GetBytes(UserCache.Require("emulator") + "\0"))
            ((delegate* unmanaged<byte*, void>)function)(folder);
    }

    private static unsafe int? DriverMajor()
    {
        if (!TryLoad(CudaLibrary.Driver, out _, out _))
            return null;
        int version = 0;
        return DriverNative.cuDriverGetVersion(&version) == CUResult.Success ? version / 1000 : null;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name == UnixFile.Library)
            return NativeLibrary.GetMainProgramHandle();
        int index = Array.IndexOf(s_importNames, name);
        return index < 0 ? 0 : Load((CudaLibrary)index);
    }

#pragma warning disable CA2255 // the resolver must be installed before the first native call of any type
    [ModuleInitializer]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(CudaLibraries).Assembly, Resolve);
#pragma warning restore CA2255
}
