using System.Collections.Concurrent;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.NVRTC;

namespace CsUnet.Cuda;

/// <summary>
/// Compiled kernels on disk, one file per hash of source, headers, options, NVRTC version and architecture. A file is written under
/// a temporary name and then renamed, so several processes and threads can share a folder: each sees a complete file or none. A file that
/// is damaged (wrong checksum) or rejected by the driver is recompiled and replaced. Folder and files must be the user's own, and nobody
/// else may write to them; otherwise they are neither read nor written.
/// </summary>
/// <remarks>
/// The cache is an optimisation. If its folder cannot be written, the run continues, and the next run compiles again;
/// <see cref="LastProblem"/> and <see cref="UserCache.Noted"/> say why. All members may be called from any thread; no two threads compile
/// the same source at once.
/// </remarks>
public sealed class KernelCache
{
    private readonly ConcurrentDictionary<string, Lock> _locks = new();
    private readonly string? _noFolder;
    private int _hits, _misses, _corrupt;
    private bool _swept, _told;

    /// <summary>Uses a folder, which is created by the first write.</summary>
    /// <param name="folder">The folder; null for <see cref="DefaultFolder"/>.</param>
    public KernelCache(string? folder = null)
        => Folder = folder is null ? UserCache.Find("kernels", out _noFolder) ?? "" : Path.GetFullPath(folder);

    /// <summary>The folder <c>kernels</c> of the <see cref="UserCache"/>; empty if there is none that may be used.</summary>
    public static string DefaultFolder => UserCache.Find("kernels", out _) ?? "";

    /// <summary>Where the files are; empty if they are kept nowhere.</summary>
    public string Folder { get; }

    /// <summary>Number of cache hits.</summary>
    public int Hits => _hits;

    /// <summary>Number of compilations.</summary>
    public int Misses => _misses;

    /// <summary>Number of damaged files.</summary>
    public int CorruptEntries => _corrupt;

    /// <summary>The last problem with the folder; null if there was none.</summary>
    public string? LastProblem { get; private set; }

    /// <summary>Compiled kernels, from disk if they are cached.</summary>
    /// <param name="source">What to compile.</param>
    /// <param name="architecture">The target; see <see cref="KernelArchitecture.Choose"/>.</param>
    /// <exception cref="NVRTCException">The source does not compile.</exception>
    /// <exception cref="CudaLibraryException">NVRTC was not found. It is needed even for a hit: its version is part of the key.</exception>
    public CompiledKernels GetOrCompile(KernelSource source, KernelArchitecture architecture)
        => GetOrCompile(source, architecture, refuse: false);

    /// <summary>Loads the kernels into the current context. If the driver rejects an image from disk, it is recompiled.</summary>
    /// <param name="source">What to compile.</param>
    /// <param name="architecture">The target.</param>
    /// <param name="compiled">The compiled kernels, with their lowered names.</param>
    public CudaModule Load(KernelSource source, KernelArchitecture architecture, out CompiledKernels compiled)
    {
        compiled = GetOrCompile(source, architecture, refuse: false);
        try
        {
            return new CudaModule(compiled.Image, source.Name);
        }
        catch (CudaException failure) when (compiled.FromCache
            && failure.CudaError is CUResult.ErrorInvalidImage or CUResult.ErrorInvalidSource
            or CUResult.ErrorNoBinaryForGPU or CUResult.ErrorInvalidPtx or CUResult.ErrorFileNotFound)
        {
            Problem($"{source.Name}: the driver refused the cached image ({failure.CudaError}); it was compiled again");
            compiled = GetOrCompile(source, architecture, refuse: true);
            return new CudaModule(compiled.Image, source.Name);
        }
    }

    /// <summary>The file of a source, whether it exists or not.</summary>
    public string PathOf(KernelSource source, KernelArchitecture architecture) => PathOf(source, source.Key(Compiler(), architecture));

    private CompiledKernels GetOrCompile(KernelSource source, KernelArchitecture architecture, bool refuse)
    {
        byte[] key = source.Key(Compiler(), architecture);
        string path = PathOf(source, key);
        lock (_locks.GetOrAdd(path, _ => new Lock()))
        {
            if (!refuse && Read(path, key) is { } cached)
            {
                Interlocked.Increment(ref _hits);
                return cached;
            }
            Interlocked.Increment(ref _misses);
            CompiledKernels compiled = Compile(source, architecture);
            Write(path, KernelCacheEntry.Serialize(key, compiled));
            return compiled;
        }
    }

    private string PathOf(KernelSource source, byte[] key)
        => Path.Combine(Folder, $"{Path.GetFileNameWithoutExtension(source.Name)}-{Convert.ToHexStringLower(key.AsSpan(0, 16))}.bin");

    /// <summary>NVRTC's version; for the emulator, whose version does not change with every build, also the identity of its file.</summary>
    private static string Compiler()
    {
        string compiler = $"nvrtc {CudaRuntimeCompiler.GetVersion()}";
        if (CudaLibraries.IsEmulated && CudaLibraries.LoadedPath(CudaLibrary.Nvrtc) is { } path)
            compiler += $" emulated {new FileInfo(path).Length} {File.GetLastWriteTimeUtc(path).Ticks}";
        return compiler;
    }

    private static CompiledKernels Compile(KernelSource source, KernelArchitecture architecture)
    {
        using var compiler = new CudaRuntimeCompiler(source.Text, source.Name, [.. source.Headers.Values], [.. source.Headers.Keys]);
        foreach (string expression in source.NameExpressions)
            compiler.AddNameExpression(expression);
        compiler.Compile([architecture.Option, .. source.Options]);
        var names = source.NameExpressions.ToDictionary(expression => expression, compiler.GetLoweredName);
        return new CompiledKernels(architecture.IsPtx ? compiler.GetPTX() : compiler.GetCubin(), names, compiler.GetLogAsString(),
            FromCache: false);
    }

    private CompiledKernels? Read(string path, byte[] key)
    {
        if (!IsUsable())
            return null;
        byte[] file;
        try
        {
            if (Directory.Exists(path) || (File.Exists(path) && !FolderTrust.IsOwn(path)))
            {
                Problem($"{path} is not a file that only you may write; it was compiled again");
                return null;
            }
            file = File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Problem($"{path} cannot be read: {failure.Message}");
            return null;
        }
        if (KernelCacheEntry.Deserialize(file, key) is { } entry)
            return entry;
        Interlocked.Increment(ref _corrupt);
        Problem($"{path} was damaged; it was compiled again");
        return null;
    }

    private void Write(string path, byte[] file)
    {
        if (!IsUsable())
            return;
        try
        {
            // Something else under this name can only be damage: the name is a hash.
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
            UserCache.Write(path, file);
            if (!Interlocked.Exchange(ref _swept, true))
                UserCache.RemoveLeftovers(Folder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // On Windows the rename fails while another process reads the target; the target then has the same bytes.
            LastProblem = $"{path} cannot be written: {failure.Message}";
            // For the emulator it is the text of the source only.
            if (!CudaLibraries.IsEmulated && !Interlocked.Exchange(ref _told, true))
                UserCache.Note($"{LastProblem.TrimEnd('.')}. The kernels are compiled again at each start");
        }
    }

    private bool IsUsable()
    {
        if ((Folder.Length == 0 ? _noFolder : FolderTrust.Problem(Folder)) is not { } problem)
            return true;
        Problem(Folder.Length == 0 ? problem : $"{Folder} cannot be used: {problem}");
        return false;
    }

    private void Problem(string text)
    {
        LastProblem = text;
        // The emulator keeps its own files, and says so itself.
        if (Folder.Length > 0)
            UserCache.Note(text);
        else if (!CudaLibraries.IsEmulated)
            UserCache.Note($"{text}. The kernels are compiled again at each start");
    }
}
