namespace CsUnet.Cuda;

/// <summary>
/// Where the program keeps what it makes once and uses again: compiled kernels, the emulator, kernels chosen by a search. It is the folder
/// that the environment variable <c>CSUNET_CACHE</c> names, or else <c>csunet</c> in the user's cache folder (<c>XDG_CACHE_HOME</c>,
/// <c>~/.cache</c>, or the local application data on Windows). All of these are absolute: nothing is looked for in the current folder.
/// Because code is run from it, the folder must be the user's own, and nobody else may write to it; otherwise it is not touched.
/// All members may be called from any thread.
/// </summary>
public static class UserCache
{
    private static readonly HashSet<string> s_noted = new(StringComparer.Ordinal);
    private static readonly Lazy<PrivateFolder> s_private = new(PrivateFolder.Create);

    /// <summary>
    /// Tells, once for each text, that the cache cannot be used, or that a damaged file of it was replaced: the work goes on, and takes
    /// longer. A program shows it to its user.
    /// </summary>
    public static event Action<string>? Noted;

    /// <summary>Whether the environment names a folder; it need not exist.</summary>
    public static bool IsNamed => Root(out _) is not null;

    /// <summary>The folder for one kind of files, for example <c>kernels</c>; it need not exist. Null if there is none that may be
    /// used.</summary>
    /// <param name="kind">The name of a folder.</param>
    /// <param name="problem">Why there is none, with the remedy; null if there is one.</param>
    public static string? Find(string kind, out string? problem)
    {
        string? root = Root(out problem);
        if (root is null)
            return null;
        string folder = Path.Combine(root, kind);
        // The folder itself, and the one that holds all kinds.
        problem = FolderTrust.Problem(root) ?? FolderTrust.Problem(folder);
        if (problem is null)
            return folder;
        problem = $"no cache is used: {problem}; or set CSUNET_CACHE to a folder of your own";
        return null;
    }

    /// <summary>The folder for one kind of files, which exists. If the user's cannot be used, it is one in a temporary folder of this
    /// process, which is deleted when the process ends, and <see cref="Noted"/> says so.</summary>
    /// <exception cref="CudaException">A temporary folder cannot be created either.</exception>
    internal static string Require(string kind)
    {
        if (Find(kind, out string? problem) is { } folder)
        {
            try
            {
                FolderTrust.Create(folder);
                return folder;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                problem = $"no cache is used: {folder} cannot be created ({failure.Message.TrimEnd('.')}); set CSUNET_CACHE to a folder "
                    + "of your own";
            }
        }
        try
        {
            string own = Path.Combine(s_private.Value.Path, kind);
            FolderTrust.Create(own);
            Note($"{problem}. What is compiled goes to a temporary folder, and is lost at the end");
            return own;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CudaException($"{problem}. No temporary folder can be created in {Path.GetTempPath()} either " +
                $"({failure.Message.TrimEnd('.')}); set TMPDIR", failure);
        }
    }

    /// <summary>Why another folder may not be used like the cache; null if it may, or if it may be created.</summary>
    public static string? Problem(string folder) => FolderTrust.Problem(folder);

    /// <summary>Raises <see cref="Noted"/>, unless this text was told before.</summary>
    public static void Note(string text)
    {
        lock (s_noted)
        {
            if (!s_noted.Add(text))
                return;
        }
        Noted?.Invoke(text);
    }

    /// <summary>The bytes of a file of the cache; null if there is none, or if it may not be used, which <see cref="Note"/> says.</summary>
    /// <param name="file">A file in a folder of <see cref="Find"/>.</param>
    public static byte[]? Read(string file)
    {
        try
        {
            if (!File.Exists(file))
                return null;
            if (FolderTrust.IsOwn(file))
                return File.ReadAllBytes(file);
            Note($"{file} is not used: it is not a file that only you may write (chmod go-w, or delete it)");
        }
        catch (FileNotFoundException)
        {
            // Another process has deleted it since.
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Note($"{file} is not used: {failure.Message.TrimEnd('.')}");
        }
        return null;
    }

    /// <summary>Writes a file of the cache, whole or not at all, which only this user may read or write.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">As for <see cref="IOException"/>.</exception>
    public static void Write(string file, ReadOnlyMemory<byte> content)
    {
        FolderTrust.Create(Path.GetDirectoryName(file)!);
        AtomicFile.Write(file, stream =>
        {
            FolderTrust.MakePrivate(stream);
            stream.Write(content.Span);
        });
    }

    /// <summary>Deletes the temporary files that killed processes have left in a folder of the cache.</summary>
    internal static void RemoveLeftovers(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, "*.tmp"))
            if (AtomicFile.TargetOf(Path.GetFileName(file)) is not null)
                AtomicFile.DeleteIfAbandoned(file);
    }

    private static string? Root(out string? problem)
    {
        problem = null;
        if (Environment.GetEnvironmentVariable("CSUNET_CACHE") is { Length: > 0 } named)
            return Absolute(named, "CSUNET_CACHE", out problem);
        if (OperatingSystem.IsWindows())
        {
            string data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
            return Absolute(data.Length > 0 ? Path.Combine(data, "csunet", "cache") : "", "the local application data", out problem);
        }
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache)
            return Absolute(cache, "XDG_CACHE_HOME", out problem) is null ? null : Path.Combine(cache, "csunet");
        // Empty if the folder does not exist.
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Absolute(home.Length > 0 ? Path.Combine(home, ".cache", "csunet") : "", "HOME", out problem);
    }

    private static string? Absolute(string path, string origin, out string? problem)
    {
        problem = path.Length == 0 ? $"{origin} names no folder that exists"
            : Path.IsPathFullyQualified(path) ? null
            : $"{origin} is '{path}', expected an absolute path";
        if (problem is null)
            return path;
        problem = $"no cache is used: {problem}; set it, or CSUNET_CACHE, to a folder of your own";
        return null;
    }
}
