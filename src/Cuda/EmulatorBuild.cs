using System.Diagnostics;
using System.Security.Cryptography;

namespace CsUnet.Cuda;

/// <summary>
/// Finds the emulator's library, and builds it from its sources on first use. The sources are the folder <c>emulator</c> beside the
/// program, or in a folder above it (a checkout); the environment variable <c>CSUNET_EMULATOR_LIBRARY</c> names a library that is built
/// already.
/// </summary>
public static class EmulatorBuild
{
    private static readonly Lazy<string> s_library = new(Find);

    /// <summary>The path of the library, for <see cref="CudaLibraries.UseEmulator"/>.</summary>
    /// <exception cref="CudaException">There are no sources, or they cannot be built; the message says what to install.</exception>
    public static string Library => s_library.Value;

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("CSUNET_EMULATOR_LIBRARY") is { Length: > 0 } named)
            return named;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string script = Path.Combine(folder.FullName, "emulator", "build");
            if (File.Exists(script))
                return Build(script);
        }
        throw new CudaException(
            $"the CUDA emulator was not found: there is no folder 'emulator' with its sources in {AppContext.BaseDirectory} or above it; "
            + "run from a checkout, or set CSUNET_EMULATOR_LIBRARY to a built libcsunet_emulator.so");
    }

    /// <summary>Builds into the user's cache, in a folder named by a hash of the sources: changed sources make another library.</summary>
    private static string Build(string script)
    {
        string sources = Path.GetDirectoryName(script)!;
        string output = Path.Combine(Path.GetDirectoryName(KernelCache.DefaultFolder)!, "emulator", HashOf(sources));
        string library = Path.Combine(output, "libcsunet_emulator.so");
        if (File.Exists(library))
            return library;
        using Process build = Process.Start(
            new ProcessStartInfo("bash", [script, output]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        Task<string> written = build.StandardOutput.ReadToEndAsync();
        string errors = build.StandardError.ReadToEnd();
        build.WaitForExit();
        if (build.ExitCode != 0)
            throw new CudaException($"the CUDA emulator could not be built ({script}): {errors.Trim()} {written.Result.Trim()}".TrimEnd());
        return library;
    }

    private static string HashOf(string sources)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in Directory.EnumerateFiles(sources, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            if (file.Contains($"{Path.DirectorySeparatorChar}test{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
                continue;
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(Path.GetRelativePath(sources, file)));
            hash.AppendData(File.ReadAllBytes(file));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
