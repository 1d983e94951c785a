using System.Diagnostics;

namespace CsUnet.Tests.Cuda;

/// <summary>
/// The emulator's library: the file that CSUNET_EMULATOR_LIBRARY names, or one built from the repository's emulator/ into the temporary
/// folder.
/// </summary>
internal static class EmulatorLibrary
{
    private static readonly Lazy<string?> s_path = new(Find);

    internal const string Missing = "Skipped: the emulator is not built (it needs g++ and the folder emulator/)";

    internal static string? Path => s_path.Value;

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("CSUNET_EMULATOR_LIBRARY") is { Length: > 0 } named)
            return named;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string script = System.IO.Path.Combine(folder.FullName, "emulator", "build");
            if (!File.Exists(script))
                continue;
            string output = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "csunet-emulator-for-tests");
            string library = System.IO.Path.Combine(output, "libcsunet_emulator.so");
            DateTime newest = Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(script)!, "*",
                SearchOption.AllDirectories).Max(File.GetLastWriteTimeUtc);
            if (File.Exists(library) && File.GetLastWriteTimeUtc(library) > newest)
                return library;
            using Process? build = Process.Start(new ProcessStartInfo("bash", [script, output]) { RedirectStandardError = true });
            string errors = build!.StandardError.ReadToEnd();
            build.WaitForExit();
            // Without g++ the script exits 1 and says so: the tests are skipped. Any other failure is a failure.
            if (build.ExitCode != 0 && !errors.Contains("was not found", StringComparison.Ordinal))
                throw new InvalidOperationException($"{script} failed:\n{errors}");
            return build.ExitCode == 0 ? library : null;
        }
        return null;
    }
}
