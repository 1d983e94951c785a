using System.Collections.Concurrent;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.NVRTC;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// The kernels of kernels/*.cu: embedded in this assembly, or read from the folder that the environment variable <c>CSUNET_KERNELS</c>
/// names. A file is compiled for a device when one of its kernels is first launched there, and cached on disk (<see cref="KernelCache"/>).
/// A file of the folder that changes while the program runs is compiled again: at its next launch, if the last check is at least a second
/// old, or by <see cref="Reload"/>. Launches that a graph has recorded stay as they were recorded.
/// </summary>
public static partial class KernelLibrary
{
    private const string Header = "common.cuh";

    private static readonly KernelCache s_cache = new();
    private static readonly Lazy<IReadOnlyList<string>> s_names = new(FindNames, LazyThreadSafetyMode.PublicationOnly);
    private const long MillisecondsBetweenLooks = 1000;

    private static readonly ConcurrentDictionary<(Device Device, string File, bool Embedded), LoadedFile> s_files = [];
    private static readonly ConcurrentDictionary<string, (string Name, string Text)> s_registered = [];
    [ThreadStatic] private static bool t_embedded;

    /// <summary>The folder that replaces the embedded sources; null if there is none.</summary>
    public static string? Folder { get; } = Environment.GetEnvironmentVariable("CSUNET_KERNELS") is { Length: > 0 } folder ? folder : null;

    /// <summary>The file names of the sources, without folder and extension.</summary>
    /// <exception cref="InvalidValueException">The <see cref="Folder"/> cannot be read, or holds no kernels.</exception>
    public static IReadOnlyList<string> Files => s_names.Value;

    /// <summary>A kernel by the name of its EXPORT_KERNEL line.</summary>
    /// <param name="device">Where it will run.</param>
    /// <param name="file">The source, without folder and extension.</param>
    /// <param name="kernel">The name.</param>
    /// <exception cref="InvalidValueException">There is no such file or kernel.</exception>
    /// <exception cref="CudaException">The file does not compile, or cannot be loaded.</exception>
    public static CudaKernel Find(Device device, string file, string kernel)
    {
        bool embedded = t_embedded || Folder is null || s_registered.ContainsKey(file);
        LoadedFile loaded = s_files.GetOrAdd((device, file, embedded), key => Load(key.Device, key.File));
        if (!embedded && Environment.TickCount64 - loaded.LastLook >= MillisecondsBetweenLooks)
            loaded = Refresh(device, file, loaded);
        IReadOnlyDictionary<string, CudaKernel> kernels = loaded.Kernels;
        return kernels.TryGetValue(kernel, out CudaKernel? found)
            ? found
            : throw new InvalidValueException(nameof(kernel), $"{loaded.Source.Name} exports no kernel '{kernel}'",
                $"one of {string.Join(", ", kernels.Keys)}");
    }

    /// <summary>Compiles and loads again the loaded files of <see cref="Folder"/> whose text has changed.</summary>
    /// <returns>Their names, without folder and extension; empty if the embedded sources are used.</returns>
    /// <exception cref="CudaException">A file no longer compiles; the loaded version stays in use.</exception>
    public static IReadOnlyList<string> Reload()
    {
        if (Folder is null)
            return [];
        var changed = new SortedSet<string>(StringComparer.Ordinal);
        foreach (((Device device, string file, bool embedded), LoadedFile loaded) in s_files)
            if (!embedded && !ReferenceEquals(Refresh(device, file, loaded), loaded))
                changed.Add(file);
        return [.. changed];
    }

    /// <summary>
    /// Discards the kernels of a device, so that each file is loaded again on its next use. Call it after
    /// <see cref="CudaEmulator.SetMode"/>, which affects only kernels loaded later. No recorded launch of them may remain.
    /// </summary>
    public static void Unload(Device device)
    {
        CudaDevice.Get(device).Synchronize();
        foreach ((Device Device, string File, bool Embedded) key in s_files.Keys.Where(key => key.Device == device))
        {
            if (!s_files.TryRemove(key, out LoadedFile? loaded))
                continue;
            foreach (CudaModule module in loaded.Modules)
                module.Dispose();
        }
    }

    /// <summary>
    /// Makes this thread use the embedded sources, even if there is a <see cref="Folder"/>, until the result is disposed.
    /// </summary>
    public static EmbeddedScope UseEmbedded()
    {
        var scope = new EmbeddedScope(t_embedded);
        t_embedded = true;
        return scope;
    }

    /// <summary>The scope of a <see cref="UseEmbedded"/>.</summary>
    public readonly struct EmbeddedScope : IDisposable
    {
        private readonly bool _previous;

        internal EmbeddedScope(bool previous) => _previous = previous;

        /// <summary>Ends the scope.</summary>
        public void Dispose() => t_embedded = _previous;
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
        CudaDevice device, string file, string kernel, dim3 grid, dim3 block, ref KernelArguments arguments, int dynamicShared = 0)
    {
        device.Context.SetCurrent();
        CudaKernel found = Find(device.Device, file, kernel);
        // More than 48 KiB needs a request, once per kernel.
        if (dynamicShared > 0 && dynamicShared > found.MaxDynamicSharedMemory)
            found.MaxDynamicSharedMemory = dynamicShared;
        found.Launch(device.Stream.Stream, grid, block, (uint)dynamicShared, ref arguments);
    }

    /// <summary>Adds a source other than kernels/*.cu. Returns the name for launching its kernels, one for each name and text.</summary>
    internal static string Register(string name, string text)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        string key = $"{name}#{Convert.ToHexStringLower(hash.AsSpan(0, 8))}";
        s_registered.TryAdd(key, (name, text));
        return key;
    }

    /// <summary>The source of a file with its header and the kernels that it exports.</summary>
    /// <exception cref="InvalidValueException">There is no such file.</exception>
    public static KernelSource Source(string file)
    {
        (string name, string text) = s_registered.TryGetValue(file, out (string Name, string Text) registered)
            ? registered : ($"{file}.cu", Read($"{file}.cu"));
        return new KernelSource(name, text)
        {
            Headers = new Dictionary<string, string> { [Header] = Read(Header) },
            NameExpressions = [.. Exports(text).Values],
            Options = ["--std=c++17"],
        };
    }

    /// <summary>The EXPORT_KERNEL(name, (expression)) lines of a source: the expression for each name.</summary>
    public static IReadOnlyDictionary<string, string> Exports(string text) =>
        ExportLine().Matches(text).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["expression"].Value);

    /// <summary>Loads a file again if its text has changed; otherwise returns the same object.</summary>
    private static LoadedFile Refresh(Device device, string file, LoadedFile loaded)
    {
        loaded.LastLook = Environment.TickCount64;
        // CUDA cannot load a module during graph capture. A launch after the capture picks up the change.
        if (CudaDevice.Get(device).Stream.IsCapturing() != CUstreamCaptureStatus.None)
            return loaded;
        KernelSource source = Source(file);
        if (source.Text == loaded.Source.Text && source.Headers[Header] == loaded.Source.Headers[Header])
            return loaded;
        // The old module stays loaded, because recorded graphs may hold its kernels.
        LoadedFile fresh = Load(device, source, loaded.Modules);
        s_files[(device, file, false)] = fresh;
        return fresh;
    }

    private static LoadedFile Load(Device device, string file) => Load(device, Source(file), []);

    private static LoadedFile Load(Device device, KernelSource source, IReadOnlyList<CudaModule> earlier)
    {
        CudaDevice target = CudaDevice.Get(device);
        target.RequireNotRecording($"{source.Name} would be loaded during graph capture: the warm-up step did not use it");
        var architecture = KernelArchitecture.Choose(target.Properties.Architecture, CudaRuntimeCompiler.GetSupportedArchs());
        CudaModule module = s_cache.Load(source, architecture, out CompiledKernels compiled);
        return new LoadedFile(source, Exports(source.Text).ToDictionary(
            export => export.Key, export => module.GetKernel(compiled.LoweredNames[export.Value])), [.. earlier, module]);
    }

    private static IReadOnlyList<string> FindNames()
    {
        string[] files = Folder is null ? Assembly.GetExecutingAssembly().GetManifestResourceNames() : ReadFolder(
            () => Directory.EnumerateFiles(Folder).Select(path => Path.GetFileName(path)).ToArray());
        string[] names =
        [
            .. files.Where(name => name.EndsWith(".cu", StringComparison.Ordinal)).Select(name => name[..^3]).Order(StringComparer.Ordinal),
        ];
        return names.Length > 0 ? names : throw FolderProblem($"there are no files *.cu in {Folder}");
    }

    /// <summary>Reads something of the <see cref="Folder"/>.</summary>
    private static T ReadFolder<T>(Func<T> read)
    {
        if (!Directory.Exists(Folder))
            throw FolderProblem($"{(Path.Exists(Folder) ? "this is no folder" : "there is no folder")}: {Folder}");
        try
        {
            return read();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw FolderProblem(failure.Message.TrimEnd('.'));
        }
    }

    private static InvalidValueException FolderProblem(string problem) => new("CSUNET_KERNELS", $"CSUNET_KERNELS: {problem}",
        "a copy of the folder kernels/", "name one, or unset the variable to use the program's own kernels");

    private static string Read(string name)
    {
        if (Folder is not null && !t_embedded)
        {
            string path = Path.Combine(Folder, name);
            return ReadFolder(() => File.Exists(path) ? File.ReadAllText(path) : throw FolderProblem($"there is no file {path}"));
        }
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidValueException(nameof(name), $"there is no kernel file '{name}'", $"one of {string.Join(", ", Files)}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"^EXPORT_KERNEL\((?<name>\w+), \((?<expression>.+)\)\);", RegexOptions.Multiline)]
    private static partial Regex ExportLine();

    /// <param name="source">What was compiled.</param>
    /// <param name="kernels">The kernels of the newest module by name.</param>
    /// <param name="modules">All modules of the file, the newest last.</param>
    private sealed class LoadedFile(KernelSource source, IReadOnlyDictionary<string, CudaKernel> kernels, IReadOnlyList<CudaModule> modules)
    {
        public KernelSource Source { get; } = source;

        public IReadOnlyDictionary<string, CudaKernel> Kernels { get; } = kernels;

        public IReadOnlyList<CudaModule> Modules { get; } = modules;

        public long LastLook { get; set; } = Environment.TickCount64;
    }
}
