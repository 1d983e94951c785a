using System.Collections.Concurrent;
using System.Reflection;
using System.Text.RegularExpressions;
using CsUnet.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// The kernels of kernels/*.cu: embedded in this assembly, or read from the folder that the environment variable <c>CSUNET_KERNELS</c>
/// names. A file is compiled for a device when the first of its kernels is launched there, and kept on disk (<see cref="KernelCache"/>).
/// </summary>
public static partial class KernelLibrary
{
    private const string Header = "common.cuh";

    private static readonly KernelCache s_cache = new();
    private static readonly ConcurrentDictionary<(Device Device, string File), IReadOnlyDictionary<string, CudaKernel>> s_files = [];
    private static readonly ConcurrentDictionary<(Device Device, string File), CudaModule> s_modules = [];

    /// <summary>The folder that replaces the embedded sources; null if they are used.</summary>
    public static string? Folder { get; } = Environment.GetEnvironmentVariable("CSUNET_KERNELS") is { Length: > 0 } folder ? folder : null;

    /// <summary>The file names of the sources, without folder and extension.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. (Folder is null
        ? Assembly.GetExecutingAssembly().GetManifestResourceNames()
        : Directory.EnumerateFiles(Folder).Select(path => Path.GetFileName(path)))
        .Where(name => name.EndsWith(".cu", StringComparison.Ordinal)).Select(name => name[..^3]).Order(StringComparer.Ordinal)];

    /// <summary>A kernel by the name of its EXPORT_KERNEL line.</summary>
    /// <param name="device">Where it will run.</param>
    /// <param name="file">The source, without folder and extension.</param>
    /// <param name="kernel">The name.</param>
    /// <exception cref="ArgumentException">There is no such file or kernel.</exception>
    /// <exception cref="CudaException">The file does not compile, or cannot be loaded.</exception>
    public static CudaKernel Find(Device device, string file, string kernel)
    {
        IReadOnlyDictionary<string, CudaKernel> kernels = s_files.GetOrAdd((device, file), key => Load(key.Item1, key.File));
        return kernels.TryGetValue(kernel, out CudaKernel? found)
            ? found
            : throw new ArgumentException($"kernels/{file}.cu exports no kernel '{kernel}'; it exports {string.Join(", ", kernels.Keys)}");
    }

    /// <summary>
    /// Forgets the kernels of a device, so that each file is loaded again when it is next used: after <see cref="CudaEmulator.SetMode"/>, which
    /// concerns kernels loaded later. Recorded launches of them must be gone.
    /// </summary>
    public static void Unload(Device device)
    {
        CudaDevice.Get(device).Synchronize();
        foreach ((Device Device, string File) key in s_files.Keys.Where(key => key.Device == device))
            if (s_files.TryRemove(key, out _) && s_modules.TryRemove(key, out CudaModule? module))
                module.Dispose();
    }

    /// <summary>Launches a kernel on a device's stream.</summary>
    /// <param name="device">Where.</param>
    /// <param name="file">The source, without folder and extension.</param>
    /// <param name="kernel">The name of its EXPORT_KERNEL line.</param>
    /// <param name="grid">Blocks.</param>
    /// <param name="block">Threads of a block.</param>
    /// <param name="arguments">The kernel's arguments, in its order.</param>
    /// <param name="dynamicShared">Bytes of dynamic shared memory of a block.</param>
    internal static void Launch(
        Device device, string file, string kernel, dim3 grid, dim3 block, ref KernelArguments arguments, int dynamicShared = 0)
    {
        CudaKernel found = Find(device, file, kernel);
        // More than 48 KiB has to be asked for, once per kernel.
        if (dynamicShared > found.MaxDynamicSharedMemory)
            found.MaxDynamicSharedMemory = dynamicShared;
        found.Launch(CudaDevice.Get(device).Stream.Stream, grid, block, (uint)dynamicShared, ref arguments);
    }

    /// <summary>The source of a file with its header and the kernels that it exports.</summary>
    /// <exception cref="ArgumentException">There is no such file.</exception>
    public static KernelSource Source(string file)
    {
        string text = Read($"{file}.cu");
        return new KernelSource($"{file}.cu", text)
        {
            Headers = new Dictionary<string, string> { [Header] = Read(Header) },
            NameExpressions = [.. Exports(text).Values],
            Options = ["--std=c++17"],
        };
    }

    /// <summary>The EXPORT_KERNEL(name, (expression)) lines of a source: expression by name.</summary>
    public static IReadOnlyDictionary<string, string> Exports(string text) =>
        ExportLine().Matches(text).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["expression"].Value);

    private static Dictionary<string, CudaKernel> Load(Device device, string file)
    {
        CudaDevice target = CudaDevice.Get(device);
        KernelSource source = Source(file);
        var architecture = KernelArchitecture.Choose(target.Properties.Architecture, CudaRuntimeCompiler.GetSupportedArchs());
        CudaModule module = s_cache.Load(source, architecture, out CompiledKernels compiled);
        s_modules[(device, file)] = module;
        return Exports(source.Text).ToDictionary(
            export => export.Key, export => module.GetKernel(compiled.LoweredNames[export.Value]));
    }

    private static string Read(string name)
    {
        if (Folder is not null)
        {
            string path = Path.Combine(Folder, name);
            return File.Exists(path)
                ? File.ReadAllText(path)
                : throw new ArgumentException($"CSUNET_KERNELS: there is no file {path}");
        }
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new ArgumentException($"there is no kernel file '{name}'; there are {string.Join(", ", Files)}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"^EXPORT_KERNEL\((?<name>\w+), \((?<expression>.+)\)\);", RegexOptions.Multiline)]
    private static partial Regex ExportLine();
}
