using System.Globalization;
using System.Text.RegularExpressions;
using CsUnet.Cuda;
using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// The folder of one training run: config.yaml, data.json, metrics.csv, the weight files last.safetensors and best.safetensors, each
/// complete by itself, and last-STEP.optimizer.safetensors, the optimiser state that belongs to last.safetensors. docs/run-folder.md lists
/// the files and what ties them to one run.
/// </summary>
public sealed partial class RunFolder
{
    /// <summary>Where runs are created and searched for.</summary>
    public const string DefaultRoot = "runs";

    private const string LockName = "run.lock";

    private RunFolder(string path) => Path = path;

    /// <summary>The path of the folder.</summary>
    public string Path { get; }

    /// <summary>The name of the folder.</summary>
    public string Name => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path)));

    /// <summary>The options of the run.</summary>
    public string ConfigPath => File("config.yaml");

    /// <summary>The class map of the run, as YAML.</summary>
    public string ClassesPath => File("classes.yaml");

    /// <summary>What the training data contain.</summary>
    public string DataPath => File("data.json");

    /// <summary>Losses and metrics of every step.</summary>
    public string MetricsPath => File("metrics.csv");

    /// <summary>The newest weights.</summary>
    public string LastPath => File("last.safetensors");

    /// <summary>The weights of the best validation.</summary>
    public string BestPath => File("best.safetensors");

    /// <summary>Whether the run has weights for prediction and resuming.</summary>
    public bool HasCheckpoint => System.IO.File.Exists(LastPath);

    /// <summary>The path of a file in the folder.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>The files of all evaluations, ordered by name.</summary>
    public IReadOnlyList<string> EvaluationPaths() =>
        [.. Directory.EnumerateFiles(Path, $"{Evaluation.FilePrefix}*.json").Order(StringComparer.Ordinal)];

    /// <summary>The path of the weight file named last or best.</summary>
    /// <exception cref="RunException">The name is neither.</exception>
    public string CheckpointPath(string name) => name switch
    {
        "last" => LastPath,
        "best" => BestPath,
        _ => throw new RunException($"checkpoint '{name}'", "last or best"),
    };

    /// <summary>Loads the options that the run was started with.</summary>
    /// <exception cref="RunException">config.yaml is missing, cut short or invalid.</exception>
    public TrainingOptions LoadOptions() => RunConfiguration.Load(this).Options;

    /// <summary>
    /// The run's identity (<see cref="RunIdentity.Run"/>), which its files carry; null for a run of an older version, whose data are not
    /// known by their content either.
    /// </summary>
    /// <exception cref="RunException">config.yaml is missing, cut short or invalid.</exception>
    public string? LoadIdentity() => RunConfiguration.Load(this).Run;

    /// <summary>Loads the weights named last or best.</summary>
    /// <param name="name">last or best.</param>
    /// <param name="device">The device of the network.</param>
    /// <exception cref="RunException">The name is neither, or config.yaml cannot be read.</exception>
    /// <exception cref="WeightFileException">The weights cannot be loaded, or are those of another run.</exception>
    public Checkpoint LoadCheckpoint(string name, Device device = default)
    {
        string path = CheckpointPath(name);
        Checkpoint checkpoint = Checkpoint.Load(path, device: device);
        RunIdentity.RequireSame(path, checkpoint.Header.Identity?.Run, LoadIdentity());
        return checkpoint;
    }

    /// <summary>
    /// The class map of the run: that of its weights, or before the first checkpoint its classes.yaml. Null if the folder has neither.
    /// </summary>
    /// <exception cref="WeightFileException">The weights cannot be read.</exception>
    /// <exception cref="DataException">classes.yaml cannot be read.</exception>
    public ClassMap? LoadClassMap()
    {
        if (!HasCheckpoint)
            return System.IO.File.Exists(ClassesPath) ? ClassMap.Load(ClassesPath) : null;
        using SafetensorsFile weights = SafetensorsFile.Read(LastPath);
        return CheckpointHeader.Of(weights).ClassMap;
    }

    /// <summary>Creates the folder of a new run.</summary>
    /// <param name="model">The model's name, which starts the folder's name.</param>
    /// <param name="path">The folder to use, new or empty: a run never writes beside files of others. Null: root/MODEL-DATE.</param>
    /// <param name="root">Where the folder is created if no path is given.</param>
    /// <exception cref="RunException">The folder cannot be created, or contains a run or other files.</exception>
    public static RunFolder Create(string model, string? path = null, string root = DefaultRoot)
    {
        if (path is not null)
            return Make(path, mayExist: true);
        string date = DateTime.Now.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        string name = System.IO.Path.Combine(root, $"{model}-{date}");
        for (int number = 1; ; number++)
        {
            string candidate = number == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}-{number}");
            if (!Directory.Exists(candidate))
                return Make(candidate, mayExist: false);
        }
    }

    /// <summary>Opens the folder of an existing run.</summary>
    /// <exception cref="RunException">The folder does not exist, or contains no run.</exception>
    public static RunFolder Open(string path)
    {
        if (!Directory.Exists(path))
            throw new RunException("no such folder", place: path, remedy: "give the folder of a run") { Fault = RunFault.NoFolder };
        var folder = new RunFolder(path);
        if (!System.IO.File.Exists(folder.ConfigPath))
        {
            throw new RunException("holds no run (there is no config.yaml)", place: path, remedy: "give a folder that a training made")
            {
                Fault = RunFault.NoRun,
            };
        }
        return folder;
    }

    /// <summary>A folder that may hold no run.</summary>
    internal static RunFolder At(string path) => new(path);

    /// <summary>The run with the newest checkpoint.</summary>
    /// <param name="root">Where to search.</param>
    /// <exception cref="RunException">No run has a checkpoint.</exception>
    public static RunFolder Newest(string root = DefaultRoot)
    {
        IEnumerable<string> folders = Directory.Exists(root) ? Directory.EnumerateDirectories(root) : [];
        RunFolder? newest = folders.Select(path => new RunFolder(path))
            .Where(folder => folder.HasCheckpoint && System.IO.File.Exists(folder.ConfigPath))
            .OrderByDescending(folder => System.IO.File.GetLastWriteTimeUtc(folder.LastPath))
                .ThenByDescending(folder => folder.Path, StringComparer.Ordinal)
            .FirstOrDefault();
        return newest ?? throw new RunException(
            $"there is no run with a checkpoint in {System.IO.Path.GetFullPath(root)}", remedy: "train first, or name the folder of a run")
        {
            Fault = RunFault.NoCheckpoint,
        };
    }

    /// <summary>Prevents other processes from training in this folder until the result is disposed.</summary>
    /// <exception cref="RunException">Another process is training in it, or it cannot be written to.</exception>
    internal IDisposable Lock()
    {
        string path = File(LockName);
        try
        {
            return OpenLock(path);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw NotWritable(failure);
        }
        catch (IOException failure)
        {
            throw !System.IO.File.Exists(path) ? NotWritable(failure) : new RunException($"cannot be locked ({failure.Message})",
                place: Path, remedy: "does another process train in it?", cause: failure);
        }
    }

    private RunException NotWritable(Exception failure) => new(
        $"files cannot be written there ({failure.Message.TrimEnd('.')})", "a folder that you may write to", Path,
        "change its permissions, or copy the run", failure);

    /// <summary>Opens the lock without writing to it. A link in its place is refused: it would lock, or make, a file elsewhere.</summary>
    private static FileStream OpenLock(string path)
    {
        const FileAccess access = FileAccess.ReadWrite;
        try
        {
            return new FileStream(path, FileMode.CreateNew, access, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException) when (System.IO.File.Exists(path) || new FileInfo(path).LinkTarget is not null)
        {
            if (new FileInfo(path).LinkTarget is { } target)
                throw new IOException($"{LockName} is a link to {target}, which no run makes; delete it");
            return new FileStream(path, FileMode.Open, access, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
    }

    /// <summary>The file name of the optimiser state after a number of steps.</summary>
    internal static string StateName(int step) => string.Create(CultureInfo.InvariantCulture, $"last-{step:D6}.optimizer.safetensors");

    /// <summary>The optimiser states in the folder.</summary>
    internal IReadOnlyList<string> StatePaths() =>
        [.. Directory.EnumerateFiles(Path).Where(path => StatePattern().IsMatch(System.IO.Path.GetFileName(path)))];

    /// <summary>Whether a process was killed while it wrote last.safetensors.</summary>
    internal bool HasUnfinishedCheckpoint() => Unfinished().Any(path => TargetOf(path) == System.IO.Path.GetFileName(LastPath));

    /// <summary>Deletes the optimiser states of earlier checkpoints. Only for the process that holds the lock.</summary>
    /// <param name="current">The state that last.safetensors names.</param>
    internal void RemoveOldStates(string? current)
    {
        foreach (string path in StatePaths().Where(path => System.IO.Path.GetFileName(path) != current))
            AtomicFile.TryDelete(path);
    }

    /// <summary>
    /// Deletes what a killed process of this run left behind: optimiser states that last.safetensors does not name, and unfinished files.
    /// Only for the process that holds the lock. A file that a living process is writing, such as an evaluation, is kept, and so is every
    /// file that no run writes.
    /// </summary>
    /// <param name="current">The state that last.safetensors names.</param>
    internal void RemoveLeftovers(string? current)
    {
        RemoveOldStates(current);
        // The unfinished last.safetensors goes last: until then it explains why there is a state without weights.
        foreach (string path in Unfinished().OrderBy(path => TargetOf(path) == System.IO.Path.GetFileName(LastPath)))
            AtomicFile.DeleteIfAbandoned(path);
    }

    private IReadOnlyList<string> Unfinished() => [.. Directory.EnumerateFiles(Path).Where(IsUnfinished)];

    private static bool IsUnfinished(string path) =>
        TargetOf(path) is { } target && (StatePattern().IsMatch(target) || FilePattern().IsMatch(target));

    private static string? TargetOf(string path) => AtomicFile.TargetOf(System.IO.Path.GetFileName(path));

    [GeneratedRegex(@"^last-\d{6,}\.optimizer\.safetensors$")]
    private static partial Regex StatePattern();

    [GeneratedRegex(@"^((config|classes)\.yaml|metrics\.csv|(last|best)\.safetensors|(run|data|data-check|evaluation-.+)\.json|report\.html"
        + @"|(loss|iou)\.svg)$")]
    private static partial Regex FilePattern();

    /// <summary>Creates the error for a folder that another run occupies.</summary>
    internal static RunException Taken(string path, string problem) =>
        new(problem, place: path, remedy: "resume that run, or give another folder") { Fault = RunFault.FolderTaken };

    private static RunFolder Make(string path, bool mayExist)
    {
        var folder = new RunFolder(path);
        if (mayExist && (System.IO.File.Exists(folder.ConfigPath) || folder.HasCheckpoint))
            throw Taken(path, "holds a run already");
        try
        {
            if (mayExist && Directory.Exists(path))
                RequireEmpty(path);
            Directory.CreateDirectory(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"the run's folder cannot be made ({failure.Message})", place: path, remedy: "give another folder",
                cause: failure) { Fault = RunFault.FolderNotMade };
        }
        return folder;
    }

    /// <summary>A folder is a run's own if it is empty but for what a run leaves that was killed before it wrote its first file.</summary>
    private static void RequireEmpty(string path)
    {
        const int shown = 3;
        string[] names = [.. Directory.EnumerateFileSystemEntries(path).Where(entry => !IsBeginning(entry))
            .Select(entry => System.IO.Path.GetFileName(entry)).Order(StringComparer.Ordinal)];
        if (names.Length == 0)
            return;
        throw new RunException(
            $"holds files of something else ({string.Join(", ", names.Take(shown))}{(names.Length > shown ? ", ..." : "")})",
            "a new or empty folder", path) { Fault = RunFault.FolderNotEmpty };
    }

    private static bool IsBeginning(string path) => new FileInfo(path) is { LinkTarget: null, Exists: true }
        && (System.IO.Path.GetFileName(path) == LockName || TargetOf(path) == "config.yaml");
}
