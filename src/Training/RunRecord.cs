using System.Text.Json;
using System.Text.Json.Serialization;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// run.json: what a run's other files do not say. By which program on which machine it was made, how long it took, how it ended. A resumed
/// run adds its time to what is there.
/// </summary>
public sealed record RunRecord
{
    /// <summary>The file in a run folder.</summary>
    public const string FileName = "run.json";

    /// <summary>The <see cref="Device"/> of runs on the processor.</summary>
    public const string Processor = "cpu";

    /// <summary>The call that made the run, as typed.</summary>
    [JsonRequired]
    public string Command { get; init; } = "";

    /// <summary>Version of the program.</summary>
    [JsonRequired]
    public string Version { get; init; } = Machine.ProgramVersion;

    /// <summary>Processor, cores and vector width.</summary>
    [JsonRequired, JsonPropertyName("machine")]
    public string Hardware { get; init; } = Machine.Current.Describe();

    /// <summary>Operating system and .NET runtime.</summary>
    [JsonRequired]
    public string System { get; init; } = $"{Machine.Current.System}, {Machine.Current.Runtime}";

    /// <summary>Where the run computes, or did last: cpu, or a CUDA device with its name.</summary>
    public string Device { get; init; } = Processor;

    /// <summary>Where the data came from.</summary>
    [JsonRequired]
    public string Data { get; init; } = "";

    /// <summary>When the first call began.</summary>
    [JsonRequired]
    public DateTimeOffset Started { get; init; } = DateTimeOffset.Now;

    /// <summary>Time spent in training, validations included, over all calls.</summary>
    [JsonRequired]
    public double Seconds { get; init; }

    /// <summary>How the last call ended.</summary>
    [JsonRequired]
    public string Outcome { get; init; } = "running";

    /// <summary>Steps done.</summary>
    [JsonRequired]
    public int Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    [JsonRequired]
    public int Steps { get; init; }

    /// <summary>The best validation mean IoU so far.</summary>
    public double? BestMeanIoU { get; init; }

    /// <summary>The step of that validation.</summary>
    [JsonRequired]
    public int BestStep { get; init; }

    /// <summary>Trained numbers.</summary>
    [JsonRequired]
    public long Parameters { get; init; }

    /// <summary>The most bytes that a step held.</summary>
    [JsonRequired]
    public long PeakBytes { get; init; }

    /// <summary>The record of a run; a new one if the folder has none.</summary>
    /// <exception cref="RunException">The file is no such record.</exception>
    public static RunRecord Load(RunFolder folder)
    {
        string path = folder.File(FileName);
        if (!File.Exists(path))
            return new RunRecord();
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), TrainingJson.Readable.RunRecord)
                ?? throw new JsonException("it is null");
        }
        catch (Exception failure) when (failure is JsonException)
        {
            throw new RunException($"not a record of this program ({failure.Message})", place: path, remedy: "delete it, or restore it",
                cause: failure);
        }
    }

    /// <summary>Writes the record into the run folder.</summary>
    /// <exception cref="RunException">It cannot be written.</exception>
    public void Save(RunFolder folder)
    {
        RunRecord rounded = this with { Seconds = Math.Round(Seconds, 1),
            Started = Started.AddTicks(-(Started.Ticks % TimeSpan.TicksPerSecond)) };
        RunFiles.WriteText(folder.File(FileName), JsonSerializer.Serialize(rounded, TrainingJson.Readable.RunRecord) + "\n");
    }
}
