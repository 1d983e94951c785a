using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;

namespace CsUnet.Cuda;

/// <summary>
/// Finds the emulator's library, and builds it from its sources on first use. The sources are the folder <c>emulator</c> of the checkout
/// that the program was built in, else those that this assembly carries. The library is kept in the <see cref="UserCache"/>, followed by
/// its checksum; a damaged one is built again. The environment variable <c>CSUNET_EMULATOR_LIBRARY</c> names a library that is already
/// built.
/// </summary>
public static class EmulatorBuild
{
    private const string ResourcePrefix = "emulator/", CheckoutMark = "CsUnet.Engine.slnx", LibraryName = "libcsunet_emulator.so";

    private static readonly Lazy<string> s_library = new(Find);

    /// <summary>The path of the library, for <see cref="CudaLibraries.UseEmulator"/>.</summary>
    /// <exception cref="CudaException">The sources cannot be built; the message says what to install.</exception>
    public static string Library => s_library.Value;

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("CSUNET_EMULATOR_LIBRARY") is { Length: > 0 } named)
        {
            return File.Exists(named) ? Path.GetFullPath(named)
                : throw new CudaException($"CSUNET_EMULATOR_LIBRARY: there is no file {named}, expected the emulator's library; build it " +
                    "with 'emulator/build FOLDER', or unset the variable");
        }
        string parent = UserCache.Require("emulator");
        try
        {
            return Find(parent, CheckoutOf(AppContext.BaseDirectory));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CudaException($"the emulator cannot be kept in {parent}: {failure.Message.TrimEnd('.')}; set CSUNET_CACHE to " +
                "another folder of your own", failure);
        }
    }

    /// <summary>The library of these sources in the cache: the one that is there, or a new one.</summary>
    /// <param name="parent">The folder of all libraries, which exists.</param>
    /// <param name="checkout">The folder <c>emulator</c> of a checkout; null for the sources that the assembly carries.</param>
    /// <param name="build">Builds sources into a folder; null for the emulator's own script.</param>
    internal static string Find(string parent, string? checkout, Action<string, string>? build = null)
    {
        WorkFolder.RemoveLeftovers(parent);
        string folder = Path.Combine(parent, checkout is null ? HashOfCarried() : HashOf(checkout)), library = Path.Combine(folder,
            LibraryName);
        if (ChecksummedFile.IsWhole(library) && FolderTrust.Problem(folder) is null)
            return library;
        using var work = WorkFolder.Create(parent, Path.GetFileName(folder));
        string sources = checkout ?? Path.Combine(work.Path, "sources");
        if (checkout is null)
            Extract(sources);
        (build ?? RunScript)(sources, work.Path);
        ChecksummedFile.Complete(Path.Combine(work.Path, LibraryName));
        Install(Path.Combine(work.Path, LibraryName), library);
        return library;
    }

    /// <summary>Writes the sources that the assembly carries into a folder.</summary>
    internal static void Extract(string folder)
    {
        foreach ((string name, Func<Stream> open) in Carried())
        {
            // Packed on Windows, names have backslashes.
            string file = Path.Combine([folder, .. name.Split('/', '\\')]);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            using Stream source = open();
            using FileStream target = File.Create(file);
            source.CopyTo(target);
        }
    }

    /// <summary>
    /// The folder <c>emulator</c> of the checkout above a folder; null if there is none. A folder of that name is not enough, because its
    /// script is run: it must be in a checkout that belongs to whom the program belongs.
    /// </summary>
    internal static string? CheckoutOf(string program)
    {
        for (DirectoryInfo? folder = new(program); folder is not null; folder = folder.Parent)
        {
            string emulator = Path.Combine(folder.FullName, "emulator");
            if (File.Exists(Path.Combine(folder.FullName, CheckoutMark)) && File.Exists(Path.Combine(emulator, "build")))
                return FolderTrust.HaveOneOwner(program, folder.FullName, emulator, Path.Combine(emulator, "build")) ? emulator : null;
        }
        return null;
    }

    private static void Install(string built, string library)
    {
        string folder = Path.GetDirectoryName(library)!;
        // Damage, or something that others may have put there: the name is a hash, so nothing else belongs there.
        if (File.Exists(folder))
            File.Delete(folder);
        else if (Directory.Exists(folder) && FolderTrust.Problem(folder) is not null)
            WorkFolder.TryRemove(folder);
        if (Directory.Exists(library))
            Directory.Delete(library, recursive: true);
        if (Path.Exists(library))
            UserCache.Note($"{library} was damaged; it was built again");
        FolderTrust.Create(folder);
        File.Move(built, library, overwrite: true);
    }

    private static void RunScript(string sources, string output)
    {
        string script = Path.Combine(sources, "build");
        Process? started;
        try
        {
            started = Process.Start(
                new ProcessStartInfo("bash", [script, output]) { RedirectStandardError = true, RedirectStandardOutput = true });
        }
        catch (Win32Exception failure)
        {
            throw new CudaException("the CUDA emulator is built by a script, and 'bash' cannot be started; install bash, or correct " +
                "PATH, or let CSUNET_EMULATOR_LIBRARY name a library that is built already", failure);
        }
        using Process build = started!;
        Task<string> written = build.StandardOutput.ReadToEndAsync();
        string errors = build.StandardError.ReadToEnd();
        build.WaitForExit();
        if (build.ExitCode != 0)
            throw new CudaException($"the CUDA emulator could not be built ({script}): {errors.Trim()} {written.Result.Trim()}".TrimEnd());
    }

    private static IEnumerable<(string Name, Func<Stream> Open)> Carried()
    {
        Assembly assembly = typeof(EmulatorBuild).Assembly;
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name => (name[ResourcePrefix.Length..], (Func<Stream>)(() => assembly.GetManifestResourceStream(name)!)));
    }

    private static string HashOfCarried() => HashOf(Carried());

    // All but the tests, whose builds may be another user's.
    private static string HashOf(string sources)
    {
        try
        {
            return HashOf(Directory.EnumerateFiles(sources)
                .Concat(Directory.EnumerateDirectories(sources).Where(folder => Path.GetFileName(folder) != "test")
                    .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)))
                .Select(file => Path.GetRelativePath(sources, file))
                .Order(StringComparer.Ordinal)
                .Select(name => (name, (Func<Stream>)(() => File.OpenRead(Path.Combine(sources, name))))));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CudaException($"the emulator's sources in {sources} cannot be read: {failure.Message.TrimEnd('.')}; make them " +
                "readable, or let CSUNET_EMULATOR_LIBRARY name a library that is built already", failure);
        }
    }

    private static string HashOf(IEnumerable<(string Name, Func<Stream> Open)> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string name, Func<Stream> open) in files)
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(name));
            using Stream file = open();
            var content = new byte[file.Length];
            file.ReadExactly(content);
            hash.AppendData(content);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
