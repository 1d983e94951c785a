using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using CsUnet.Cuda;
using CsUnet.Cuda.NVRTC;
using CsUnet.Kernels.Cuda;

namespace CsUnet.Lab;

/// <summary>
/// Registers, shared memory and spills of kernels for an architecture: from the NVRTC of this machine, or from the committed table.
/// </summary>
public sealed partial class KernelResources
{
    private readonly Dictionary<string, KernelUsage> _usage = new(StringComparer.Ordinal);
    private readonly HashSet<string> _compiled = new(StringComparer.Ordinal);
    private readonly int _architecture;
    private readonly bool _compile;

    /// <summary>The resources for an architecture.</summary>
    /// <param name="architecture">As in sm_90: 90.</param>
    public KernelResources(int architecture)
    {
        _architecture = architecture;
        // The emulator's NVRTC does not report registers.
        _compile = !CudaLibraries.IsEmulated && CudaLibraries.TryLoad(CudaLibrary.Nvrtc, out _);
        Origin = _compile ? $"NVRTC {CudaRuntimeCompiler.GetVersion()}" : "";
        if (!_compile)
            ReadTable();
    }

    /// <summary>The source of the numbers.</summary>
    public string Origin { get; private set; }

    /// <summary>A kernel's resources; null if the committed table does not have the kernel.</summary>
    /// <param name="file">The source, without folder and extension.</param>
    /// <param name="kernel">The name in its EXPORT_KERNEL line.</param>
    public KernelUsage? Of(string file, string kernel)
    {
        if (_compile && _compiled.Add(file))
            foreach ((string name, KernelUsage usage) in Compile(file, _architecture))
                _usage[name] = usage;
        return _usage.TryGetValue(kernel, out KernelUsage found) ? found : null;
    }

    /// <summary>Compiles a file with the machine's NVRTC and parses the ptxas log of each kernel.</summary>
    /// <param name="file">The source, without folder and extension.</param>
    /// <param name="architecture">As in sm_90: 90.</param>
    /// <exception cref="NVRTCException">It does not compile.</exception>
    /// <exception cref="CudaLibraryException">NVRTC was not found.</exception>
    public static IReadOnlyDictionary<string, KernelUsage> Compile(string file, int architecture)
    {
        KernelSource source = KernelLibrary.Source(file);
        using var compiler = new CudaRuntimeCompiler(source.Text, source.Name, [.. source.Headers.Values], [.. source.Headers.Keys]);
        foreach (string expression in source.NameExpressions)
            compiler.AddNameExpression(expression);
        compiler.Compile([$"--gpu-architecture=sm_{architecture}", .. source.Options, "--ptxas-options=-v"]);
        IReadOnlyDictionary<string, KernelUsage> byEntry = Parse(compiler.GetLogAsString());
        return KernelLibrary.Exports(source.Text)
            .ToDictionary(export => export.Key, export => byEntry[compiler.GetLoweredName(export.Value)]);
    }

    /// <summary>PTX instructions of every kernel of a file, by kind: all, global, shared, matrix, fused multiply-adds.</summary>
    /// <param name="file">The source, without folder and extension.</param>
    /// <param name="architecture">As in sm_90: 90.</param>
    public static IReadOnlyDictionary<string, PtxCounts> CountPtx(string file, int architecture)
    {
        KernelSource source = KernelLibrary.Source(file);
        using var compiler = new CudaRuntimeCompiler(source.Text, source.Name, [.. source.Headers.Values], [.. source.Headers.Keys]);
        foreach (string expression in source.NameExpressions)
            compiler.AddNameExpression(expression);
        compiler.Compile([$"--gpu-architecture=compute_{architecture}", .. source.Options]);
        IReadOnlyDictionary<string, PtxCounts> byEntry = PtxCounts.Of(compiler.GetPTXAsString());
        return KernelLibrary.Exports(source.Text)
            .ToDictionary(export => export.Key, export => byEntry[compiler.GetLoweredName(export.Value)]);
    }

    /// <summary>The resources of every entry function in a ptxas log.</summary>
    internal static IReadOnlyDictionary<string, KernelUsage> Parse(string log)
    {
        var all = new Dictionary<string, KernelUsage>(StringComparer.Ordinal);
        string entry = "";
        int spills = 0;
        foreach (string line in log.Split('\n'))
        {
            if (EntryLine().Match(line) is { Success: true } begin)
                (entry, spills) = (begin.Groups[1].Value, 0);
            else if (SpillLine().Match(line) is { Success: true } spill)
                spills = Number(spill.Groups[1]) + Number(spill.Groups[2]);
            else if (UsedLine().Match(line) is { Success: true } used)
                all[entry] = new KernelUsage(Number(used.Groups[1]), SharedOf(line), spills);
        }
        return all;

        static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

        static int SharedOf(string line) => SharedPart().Match(line) is { Success: true } shared ? Number(shared.Groups[1]) : 0;
    }

    private void ReadTable()
    {
        Assembly assembly = typeof(KernelResources).Assembly;
        string resource = assembly.GetManifestResourceNames().Where(name => name.StartsWith("kernel-registers", StringComparison.Ordinal))
            .Order().Last();
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        string architecture = $"sm_{_architecture}";
        while (reader.ReadLine() is { } line)
        {
            string[] cells = line.Split(',');
            if (cells.Length < 6 || cells[1] != architecture)
                continue;
            int[] numbers = [.. cells[2..5].Select(cell => int.Parse(cell, CultureInfo.InvariantCulture))];
            _usage[cells[0]] = new KernelUsage(numbers[0], numbers[1], numbers[2]);
            Origin = $"the committed table of NVRTC {cells[5]}";
        }
    }

    [GeneratedRegex(@"Compiling entry function '(\w+)'")]
    private static partial Regex EntryLine();

    [GeneratedRegex(@"(\d+) bytes spill stores, (\d+) bytes spill loads")]
    private static partial Regex SpillLine();

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex UsedLine();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex SharedPart();
}
