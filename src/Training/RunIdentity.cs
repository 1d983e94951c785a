using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// Which run a file belongs to. All files of a run carry its identity, so that files of two runs cannot be mixed. It depends on options and
/// data alone: runs that compute the same have the same identity, and a resumed run ends with the bytes of one that was not stopped.
/// </summary>
/// <param name="Run">32 hexadecimal digits: the hash of the options, the classes and the data with which the run began.</param>
/// <param name="Data">The hash of the data (<see cref="RunContent.Hash"/>).</param>
public sealed record RunIdentity(string Run, string Data)
{
    private const string RunKey = "run", DataKey = "data";
    private const int Digits = 32, ShownDigits = 8;

    // Where things lie, how long the run is and on what it is computed do not make it another run.
    private static readonly string[] s_free =
        ["data", "classes", "cnn_weights", "steps", "epochs", "patience", "checkpoint_every", "tile_stride", "precision", "threads"];

    private static readonly string[] s_later = ["encoder_layers"];

    /// <summary>The first digits of <see cref="Run"/>, for people.</summary>
    public string Short => Run[..ShownDigits];

    /// <summary>The identity of a new run.</summary>
    /// <param name="options">Its options.</param>
    /// <param name="classMap">Its classes.</param>
    /// <param name="content">Its data.</param>
    /// <param name="cnnWeights">The hash of its file of pretrained weights; null if it has none.</param>
    internal static RunIdentity Of(TrainingOptions options, ClassMap classMap, RunContent content, string? cnnWeights = null)
    {
        // Options that older versions did not have count only where they are set: the same run has the same identity in both.
        string[] unset = [.. s_later.Where(key => TrainingOptionTable.Find(key).Write(options).Count == 0)];
        string[] parts = [options.ToYaml([.. s_free, .. unset], withMeaning: false), classMap.ToYaml(), content.Hash];
        return new RunIdentity(DatasetContent.HashOf(cnnWeights is null ? parts : [.. parts, cnnWeights])[..Digits], content.Hash);
    }

    /// <summary>The identity in the metadata of a file; null if an older version wrote it, or no run.</summary>
    /// <exception cref="WeightFileException">The identity is damaged.</exception>
    internal static RunIdentity? Of(SafetensorsFile file)
    {
        if (!file.Metadata.TryGetValue(RunKey, out string? run))
            return null;
        return run.Length == Digits && file.Metadata.TryGetValue(DataKey, out string? data)
            ? new RunIdentity(run, data)
            : throw new WeightFileException(file.Path, "its metadata do not name its run and data",
                "it is damaged or was changed; restore it from a copy");
    }

    /// <summary>Adds the identity to the metadata of a file.</summary>
    internal void AddTo(IDictionary<string, string> metadata) => (metadata[RunKey], metadata[DataKey]) = (Run, Data);

    /// <summary>Refuses a file of another run.</summary>
    /// <param name="path">The file.</param>
    /// <param name="found">The run that it names; null if it names none.</param>
    /// <param name="expected">The run of the folder's config.yaml; null if it names none.</param>
    /// <exception cref="WeightFileException">They differ.</exception>
    internal static void RequireSame(string path, string? found, string? expected)
    {
        if (found != expected)
            throw new WeightFileException(path, $"it belongs to {Name(found)}, but the folder's config.yaml to {Name(expected)}",
                "the files were mixed by hand; restore all files of the run from one copy");
    }

    private static string Name(string? run) => run is null ? "a run of an older version" : $"run {run[..ShownDigits]}";
}
