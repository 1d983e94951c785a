using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;

namespace CsUnet.Cuda;

/// <summary>
/// Finds the emulator's library, and builds it from its sources on first use. The sources are the folder <c>emulator</c> beside the program
/// or in a folder above it (a checkout), else those that this assembly carries; the environment variable
/// <c>CSUNET_EMULATOR_LIBRARY</c> names a library that is already built.
/// </summary>
public static class EmulatorBuild
{
    private const string ResourcePrefix = "emulator/";

    private static readonly Lazy<string> s_library = new(Find);

    /// <summary>The path of the library, for <see cref="CudaLibraries.UseEmulator"/>.</summary>
    /// <exception cref="CudaException">The sources cannot be built; the message says what to install.</exception>
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
        DirectoryInfo sources = Directory.CreateTempSubdirectory("csunet-emulator-");
        try
        {
            Extract(sources.FullName);
            return Build(Path.Combine(sources.FullName, "build"));
        }
        finally
        {
            sources.Delete(recursive: true);
        }
    }

    /// <summary>Writes the sources that the assembly carries into a folder.</summary>
    internal static void Extract(string folder)
    {
        Assembly assembly = typeof(EmulatorBuild).Assembly;
        foreach (string name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal)))
        {
            // Packed on Windows, names have backslashes.
            string file = Path.Combine([folder, .. name[ResourcePrefix.Length..].Split('/', '\\')]);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            using Stream source = assembly.GetManifestResourceStream(name)!;
            using FileStream target = File.Create(file);
            source.CopyTo(target);
        }
    }

    /// <summary>Builds into the user's cache, in a folder named by a hash of the sources: changed sources give a new library.</summary>
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
