using System.Text.Json;
using System.Text.Json.Serialization;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// The contents of run.json: the program and machine that made the run, how long it took and how it ended. The run's other files do not
/// contain this. A resumed run adds its time to the recorded time.
/// </summary>
public sealed record RunRecord
{
    /// <summary>The name of the file in a run folder.</summary>
    public const string FileName = "run.json";

    /// <summary>The <see cref="Outcome"/> of a run that has not ended, and of one that an error ended.</summary>
    public const string Running = "running", Failed = "failed";

    /// <summary>The <see cref="Device"/> of runs on the CPU.</summary>
    public const string Processor = "cpu";

    /// <summary>The run's identity (<see cref="RunIdentity.Run"/>); null if an older version wrote the record.</summary>
    public string? Run { get; init; }

    /// <summary>The command that started the run, as typed.</summary>
    [JsonRequired]
    public string Command { get; init; } = "";

    /// <summary>Version of the program.</summary>
    [JsonRequired]
    public string Version { get; init; } = Machine.ProgramVersion;

    /// <summary>CPU, cores and vector width.</summary>
    [JsonRequired, JsonPropertyName("machine")]
    public string Hardware { get; init; } = Machine.Current.Describe();

    /// <summary>Operating system and .NET runtime.</summary>
    [JsonRequired]
    public string System { get; init; } = $"{Machine.Current.System}, {Machine.Current.Runtime}";

    /// <summary>The current or last device of the run: cpu, or a CUDA device with its name.</summary>
    public string Device { get; init; } = Processor;

    /// <summary>Where the data came from.</summary>
    [JsonRequired]
    public string Data { get; init; } = "";

    /// <summary>The ranges of the samples that became levels, and how they were found; empty in older records.</summary>
    public string Intensity { get; init; } = "";

    /// <summary>The pretrained weights with which the CNN encoder began: file, format, hash; null if it began with random ones.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CnnWeights { get; init; }

    /// <summary>When the first call started.</summary>
    [JsonRequired]
    public DateTimeOffset Started { get; init; } = DateTimeOffset.Now;

    /// <summary>Training time including validations, summed over all calls.</summary>
    [JsonRequired]
    public double Seconds { get; init; }

    /// <summary>How the last call ended.</summary>
    [JsonRequired]
    public string Outcome { get; init; } = Running;

    /// <summary>Steps completed.</summary>
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

    /// <summary>Number of trained parameters, counted as scalars.</summary>
    [JsonRequired]
    public long Parameters { get; init; }

    /// <summary>Peak memory of a step in bytes.</summary>
    [JsonRequired]
    public long PeakBytes { get; init; }

    /// <summary>What the last call could not print and why, for example because the disk under its log was full; null if nothing.</summary>
    public string? LostOutput { get; init; }

    /// <summary>Loads the record of a run; returns a new one if the folder has none.</summary>
    /// <exception cref="RunException">The file is not a run record.</exception>
    public static RunRecord Load(RunFolder folder)
    {
        string path = folder.File(FileName);
        return !Path.Exists(path) ? new RunRecord() : RunFiles.Read(path, "not a record of this program", "delete it, or restore it", () =>
            JsonSerializer.Deserialize(ReadFile.Text(path), TrainingJson.Readable.RunRecord)?.Checked()
                ?? throw new JsonException("it is null"));
    }

    /// <summary>
    /// Loads the record of a run that goes on. Training does not need it: a damaged one is kept as run.json.damaged, and a new one begins.
    /// </summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="begin">Creates the new record.</param>
    /// <param name="warn">Receives what was wrong, and where the damaged file is.</param>
    public static RunRecord LoadOr(RunFolder folder, Func<RunRecord> begin, Action<string> warn)
    {
        try
        {
            return Path.Exists(folder.File(FileName)) ? Load(folder) : begin();
        }
        catch (RunException failure)
        {
            string aside = RunFiles.SetAside(folder.File(FileName));
            warn(ProblemText.Compose(
                failure.Place, failure.Problem, remedy: $"it is kept as {aside}, and a new record begins with this call"));
            return begin();
        }
    }

    /// <summary>Stands for a record that cannot be read.</summary>
    public static RunRecord Unknown { get; } = new()
    {
        Command = "unknown", Version = "unknown", Hardware = "unknown", System = "unknown", Device = "unknown", Data = "unknown",
        Started = default, Outcome = "unknown",
    };

    private RunRecord Checked() => double.IsFinite(Seconds) && Seconds is >= 0 and < 1e10 && Step >= 0 && Steps >= 0 && BestStep >= 0
        && Parameters >= 0 && PeakBytes >= 0 && BestMeanIoU is null or (>= 0 and <= 1)
            ? this
            : throw new FormatException("a number is out of its range");

    /// <summary>Writes the record into the run folder.</summary>
    /// <exception cref="RunException">The file cannot be written.</exception>
    public void Save(RunFolder folder)
    {
        RunRecord rounded = this with { Seconds = Math.Round(Seconds, 1),
            Started = Started.AddTicks(-(Started.Ticks % TimeSpan.TicksPerSecond)) };
        RunFiles.WriteText(folder.File(FileName), JsonSerializer.Serialize(rounded, TrainingJson.Readable.RunRecord) + "\n");
    }
}
