using System.Text.Json;
using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>The contents of a run's training data, whatever folder they lie in; saved as data.json in the run's folder.</summary>
/// <param name="Train">The training images and masks.</param>
/// <param name="Validation">The validation images and masks; null for none.</param>
public sealed record RunContent(DatasetContent Train, DatasetContent? Validation)
{
    /// <summary>The hash of all of it, in hexadecimal digits.</summary>
    public string Hash { get; } = DatasetContent.HashOf([Train.Hash, Validation?.Hash ?? ""]);

    /// <summary>The content of opened data sets.</summary>
    /// <exception cref="DataException">A file cannot be read.</exception>
    public static RunContent Of(MicrographDataset train, MicrographDataset? validation) => new(train.Content, validation?.Content);

    /// <summary>How other data differ from these; null if they are the same.</summary>
    public string? Difference(RunContent other)
    {
        if (other.Hash == Hash)
            return null;
        string none = Validation is null ? "it has validation images" : "it has no validation images";
        string?[] parts = [Train.Difference(other.Train), (Validation, other.Validation) switch
        {
            (null, null) => null,
            ({ } then, { } now) => then.Difference(now),
            _ => none,
        }];
        return string.Join(", ", parts.OfType<string>());
    }

    /// <summary>
    /// Reads the data.json of a run. Null if there is none, or it is damaged or another run's: it only lists what the weights name by a
    /// hash.
    /// </summary>
    internal static RunContent? Load(RunFolder folder, string run)
    {
        if (!File.Exists(folder.DataPath))
            return null;
        try
        {
            DataFile? file = JsonSerializer.Deserialize(File.ReadAllText(folder.DataPath), TrainingJson.Default.DataFile);
            if (file is null || file.Run != run || file.Train.Contains(null!) || file.Validation?.Contains(null!) == true)
                return null;
            var content = new RunContent(new DatasetContent(file.Train), file.Validation is { } files ? new DatasetContent(files) : null);
            return content.Hash == file.Content ? content : null;
        }
        catch (Exception failure) when (failure is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Writes the data.json of a run.</summary>
    /// <exception cref="RunException">The file cannot be written.</exception>
    internal void Save(RunFolder folder, string run) => RunFiles.WriteText(folder.DataPath, JsonSerializer.Serialize(
        new DataFile(run, Hash, Train.Files, Validation?.Files), TrainingJson.Readable.DataFile) + "\n");

    /// <summary>The contents of data.json.</summary>
    /// <param name="Run">The run's identity.</param>
    /// <param name="Content">The hash of all files.</param>
    /// <param name="Train">The training images and masks.</param>
    /// <param name="Validation">The validation images and masks; null for none.</param>
    internal sealed record DataFile(string Run, string Content, IReadOnlyList<DatasetFile> Train, IReadOnlyList<DatasetFile>? Validation);
}
