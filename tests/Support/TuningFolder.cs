using CsUnet.Kernels;

namespace CsUnet.Tests.Support;

/// <summary>
/// A folder of stored kernel choices for one test. Otherwise, also in programs that tests start, the folder is one that does not exist:
/// kernels that a user has tuned on this machine do not affect tests.
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

    /// <summary>Each test program calls this before anything else.</summary>
    internal static void NameNone() =>
        Environment.SetEnvironmentVariable(Variable,
            System.IO.Path.Combine(AppContext.BaseDirectory, "untuned"));
}
