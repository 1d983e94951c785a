using CsUnet.Kernels;

namespace CsUnet.Tests.Support;

/// <summary>
/// A folder of stored kernel choices for one test. Outside of it, and in programs that tests start, the folder named is one that does not
/// exist: what a user has tuned on this machine changes no test.
/// </summary>
internal sealed class TuningFolder : IDisposable
{
    private const string Variable = "CSUNET_TUNING";
    private readonly string? _before = Environment.GetEnvironmentVariable(Variable);

    public TuningFolder()
    {
        Environment.SetEnvironmentVariable(Variable, Path);
        KernelChoices.Reload();
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("csunet-tuning-").FullName;

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Variable, _before);
        KernelChoices.Reload();
        Directory.Delete(Path, recursive: true);
    }

    /// <summary>Each test program calls it before anything else.</summary>
    internal static void NameNone() =>
        Environment.SetEnvironmentVariable(Variable,
            System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"csunet-untuned-{Environment.ProcessId}"));
}
