using System.Globalization;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Lab;

/// <summary>
/// The edit-run loop: compiles and checks each version of an operator's sources, and compares it with the previous version and with the
/// embedded one, by time on a GPU, by counts and projected time on the emulator.
/// </summary>
public sealed class KernelWatch
{
    /// <summary>The name of the shared header in <see cref="Files"/>.</summary>
    public const string Header = "common";

    private readonly DType _type;
    private readonly Gpu _gpu;
    private readonly IReadOnlyList<LabCase> _cases;
    private readonly Func<IReadOnlySet<string>, IEnumerable<string>> _resources;
    private readonly Bench _bench;
    private readonly Dictionary<string, Figures> _embedded;
    private Dictionary<string, Figures>? _previous;
    private int _version;

    /// <summary>Watches cases on a device; measures the embedded sources first.</summary>
    /// <param name="device">A GPU or the emulator.</param>
    /// <param name="type">Element type of the inputs.</param>
    /// <param name="gpu">The GPU to which the emulator's counts are projected.</param>
    /// <param name="cases">Operators and shapes.</param>
    /// <param name="resources">Returns lines about registers and other resources of sources, from this machine's NVRTC.</param>
    public KernelWatch(
        Device device, DType type, Gpu gpu, IReadOnlyList<LabCase> cases, Func<IReadOnlySet<string>, IEnumerable<string>> resources)
    {
        (_type, _gpu, _cases, _resources) = (type, gpu, cases, resources);
        _bench = new Bench(device, type);
        var files = new SortedSet<string>(StringComparer.Ordinal);
        using (KernelLibrary.UseEmbedded())
            _embedded = Measure(files);
        Files = files;
    }

    /// <summary>The sources of the cases' kernels and their shared header, without extension.</summary>
    public IReadOnlySet<string> Files { get; }

    /// <summary>Whether the last version did not compile or failed a check.</summary>
    public bool LastFailed { get; private set; }

    /// <summary>Compiles, checks and measures the current sources.</summary>
    /// <returns>Lines to print.</returns>
    public IReadOnlyList<string> Next()
    {
        var lines = new List<string> { string.Create(CultureInfo.InvariantCulture, $"version {++_version}") };
        LastFailed = false;
        try
        {
            KernelLibrary.Reload();
            foreach (LabCase item in _cases)
                foreach (KernelChoice choice in _bench.Choices(item.Case.Op))
                    lines.Add(Check(item, choice));
            Dictionary<string, Figures> now = Measure([]);
            foreach ((string name, Figures figures) in now)
                lines.Add($"{name}: {figures}{Against("embedded", _embedded, name, figures)}{Against("before", _previous, name, figures)}");
            lines.AddRange(_resources(Files));
            _previous = now;
        }
        catch (CudaException failure)
        {
            LastFailed = true;
            lines.Add($"FAILED: {failure.Message}");
        }
        return lines;
    }

    private bool IsEmulated => CudaLibraries.IsEmulated;

    private string Check(LabCase item, KernelChoice choice)
    {
        try
        {
            if (IsEmulated)
            {
                CudaEmulator.SetMode(CudaEmulatorMode.Hook);
                CudaEmulator.ClearReport();
            }
            double share = _bench.Check(item.Case, choice);
            if (!IsEmulated || CudaEmulator.FindingCount == 0)
                return string.Create(CultureInfo.InvariantCulture, $"ok     {item}, {choice}: share of the tolerance {share:F3}");
            LastFailed = true;
            return $"FAILED {item}, {choice}: {CudaEmulator.GetReport().TrimEnd()}";
        }
        catch (CheckFailedException failure)
        {
            LastFailed = true;
            return $"FAILED {failure.Message}";
        }
    }

    private Dictionary<string, Figures> Measure(SortedSet<string> files)
    {
        var all = new Dictionary<string, Figures>(StringComparer.Ordinal);
        var resources = new KernelResources(_gpu.Architecture);
        foreach (LabCase item in _cases)
            foreach (KernelChoice choice in _bench.Choices(item.Case.Op))
            {
                if (IsEmulated)
                {
                    IReadOnlyList<CountedLaunch> launches = ModelProjection.OfOperator(item.Case, _type, choice);
                    all[$"{item}, {choice}"] = new Figures(
                        launches.Sum(launch => launch.Sectors), launches.Sum(launch => launch.Wavefronts),
                        launches.Sum(launch => Projection.Of(launch, _gpu, resources).Seconds), IsProjected: true);
                    files.UnionWith(launches.Select(launch => launch.Launch.File));
                    continue;
                }
                foreach (Pass pass in Enum.GetValues<Pass>())
                    all[$"{item}, {choice}, {pass.ToString().ToLowerInvariant()}"] =
                        new Figures(0, 0, _bench.Measure(item, pass, choice, CancellationToken.None).Times.Median, IsProjected: false);
                using var trace = new LaunchTrace();
                _bench.Check(item.Case, choice);
                files.UnionWith(trace.Entries.Select(entry => entry.File));
            }
        files.Add(Header);
        return all;
    }

    private static string Against(string name, Dictionary<string, Figures>? others, string key, Figures figures) =>
        others is null || !others.TryGetValue(key, out Figures? other) ? "" : $"; against {name}: {figures.RelativeTo(other)}";

    /// <summary>The figures that compare versions.</summary>
    private sealed record Figures(double Sectors, double Wavefronts, double Seconds, bool IsProjected)
    {
        public string RelativeTo(Figures other) => IsProjected
            ? string.Create(CultureInfo.InvariantCulture, $"sectors {Change(Sectors, other.Sectors)}, wavefronts "
                + $"{Change(Wavefronts, other.Wavefronts)}, projected time {Change(Seconds, other.Seconds)}")
            : $"time {Change(Seconds, other.Seconds)}";

        public override string ToString() => IsProjected
            ? string.Create(CultureInfo.InvariantCulture,
                $"{Sectors:F0} sectors, {Wavefronts:F0} wavefronts, {Seconds * 1e6:F2} us (projected, not measured)")
            : string.Create(CultureInfo.InvariantCulture, $"{Seconds * 1e6:F2} us");

        private static string Change(double now, double before) =>
            before == 0
                ? (now == 0 ? "+0.0%" : "new")
                : string.Create(CultureInfo.InvariantCulture, $"{(now / before - 1) * 100:+0.0;-0.0;+0.0}%");
    }
}
