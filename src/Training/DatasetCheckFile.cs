using System.Text.Json;
using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>data-check.json of a run folder: the check of the data that the run was trained on, for its report.</summary>
public static class DatasetCheckFile
{
    /// <summary>The name of the file in a run folder.</summary>
    public const string FileName = "data-check.json";

    /// <summary>Writes the check into the run's folder.</summary>
    /// <exception cref="RunException">The file cannot be written.</exception>
    public static void Save(RunFolder folder, DatasetTable table) =>
        RunFiles.WriteText(folder.File(FileName), JsonSerializer.Serialize(table, TrainingJson.Readable.DatasetTable) + "\n");

    /// <summary>Reads the check; null if the run has none.</summary>
    /// <exception cref="RunException">The file cannot be read, or is not such a check.</exception>
    public static DatasetTable? Load(RunFolder folder)
    {
        string path = folder.File(FileName);
        if (!File.Exists(path))
            return null;
        return RunFiles.Read(path, "not the check of a data set", "delete it; training and prediction do not need it", () =>
            JsonSerializer.Deserialize(ReadFile.Text(path), TrainingJson.Default.DatasetTable) ?? throw new JsonException("it is null"));
    }
}
