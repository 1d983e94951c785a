using System.Globalization;
using System.Text.RegularExpressions;
using CsUnet.Cuda;

namespace CsUnet.Training;

/// <summary>
/// The folder of one training run: config.yaml, metrics.csv, the weight files last.safetensors and best.safetensors, each complete by
/// itself, and last-STEP.optimizer.safetensors, the optimiser state that belongs to last.safetensors.
/// </summary>
public sealed partial class RunFolder
{
    /// <summary>Where runs are created and searched for.</summary>
    public const string DefaultRoot = "runs";

    private RunFolder(string path) => Path = path;

    /// <summary>The path of the folder.</summary>
    public string Path { get; }

    /// <summary>The name of the folder.</summary>
    public string Name => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path)));

    /// <summary>The options of the run.</summary>
    public string ConfigPath => File("config.yaml");

    /// <summary>The class map of the run, as YAML.</summary>
    public string ClassesPath => File("classes.yaml");

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

    /// <summary>The path of a split's evaluation.</summary>
    public string EvaluationPath(string split) => File($"evaluation-{split}.json");

    /// <summary>The path of the weight file named last or best.</summary>
    /// <exception cref="RunException">The name is neither.</exception>
    public string CheckpointPath(string name) => name switch
    {
        "last" => LastPath,
        "best" => BestPath,
        _ => throw new RunException($"checkpoint '{name}'", "last or best"),
    };

    /// <summary>Loads the options that the run was started with.</summary>
    /// <exception cref="RunException">config.yaml is missing or invalid.</exception>
    public TrainingOptions LoadOptions() => TrainingOptions.Load(ConfigPath);

    /// <summary>Creates the folder of a new run.</summary>
    /// <param name="model">The model's name, which starts the folder's name.</param>
    /// <param name="path">The folder to use, new or empty; null: root/MODEL-DATE.</param>
    /// <param name="root">Where the folder is created if no path is given.</param>
    /// <exception cref="RunException">The folder cannot be created, or already contains a run.</exception>
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
    /// <exception cref="RunException">Another process is training in it.</exception>
    internal IDisposable Lock()
    {
        try
        {
            return new FileStream(File("run.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1,
                FileOptions.DeleteOnClose);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"cannot be locked ({failure.Message})", place: Path, remedy: "does another process train in it?",
                cause: failure);
        }
    }

    /// <summary>The file name of the optimiser state after a number of steps.</summary>
    internal static string StateName(int step) => string.Create(CultureInfo.InvariantCulture, $"last-{step:D6}.optimizer.safetensors");

    /// <summary>
    /// Deletes what earlier checkpoints and kills left behind: unfinished files of this run, and optimiser states that last.safetensors
    /// does not name. Files that no run writes are kept.
    /// </summary>
    internal void RemoveLeftovers(string? currentState)
    {
        foreach (string path in Directory.EnumerateFiles(Path))
        {
            string name = System.IO.Path.GetFileName(path);
            bool isOldState = StatePattern().IsMatch(name) && name != currentState;
            if (isOldState || AtomicFile.TargetOf(name) is { } target && (StatePattern().IsMatch(target) || FilePattern().IsMatch(target)))
                AtomicFile.TryDelete(path);
        }
    }

    [GeneratedRegex(@"^last-\d{6,}\.optimizer\.safetensors$")]
    private static partial Regex StatePattern();

    [GeneratedRegex(
        @"^((config|classes)\.yaml|metrics\.csv|(last|best)\.safetensors|run\.json|evaluation-\w+\.json|report\.html|\w+\.svg)$")]
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
            Directory.CreateDirectory(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"the run's folder cannot be made ({failure.Message})", place: path, remedy: "give another folder",
                cause: failure) { Fault = RunFault.FolderNotMade };
        }
        return folder;
    }
}
