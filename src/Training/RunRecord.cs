using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
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

    // The file is for people too, and is never part of a page: + and non-ASCII letters stand as they are.
    private static readonly JsonSerializerOptions s_readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The call that made the run, as typed.</summary>
    public string Command { get; init; } = "";

    /// <summary>Version of the program.</summary>
    public string Version { get; init; } = Machine.ProgramVersion;

    /// <summary>Processor, cores and vector width.</summary>
    public string Hardware { get; init; } = Machine.Current.Describe();

    /// <summary>Operating system and .NET runtime.</summary>
    public string System { get; init; } = $"{Machine.Current.System}, {Machine.Current.Runtime}";

    /// <summary>Where the run computes, or did last: cpu, or a CUDA device with its name.</summary>
    public string Device { get; init; } = Processor;

    /// <summary>When the first call began.</summary>
    public DateTimeOffset Started { get; init; } = DateTimeOffset.Now;

    /// <summary>Time spent in training, validations included, over all calls.</summary>
    public double Seconds { get; init; }

    /// <summary>How the last call ended.</summary>
    public string Outcome { get; init; } = "running";

    /// <summary>Steps done.</summary>
    public int Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public int Steps { get; init; }

    /// <summary>The best validation mean IoU so far.</summary>
    public double? BestMeanIoU { get; init; }

    /// <summary>The step of that validation.</summary>
    public int BestStep { get; init; }

    /// <summary>Trained numbers.</summary>
    public long Parameters { get; init; }

    /// <summary>The most bytes that a step held.</summary>
    public long PeakBytes { get; init; }

    /// <summary>Where the data came from.</summary>
    public string Data { get; init; } = "";

    /// <summary>The record of a run; a new one if the folder has none.</summary>
    /// <exception cref="RunException">The file is no such record.</exception>
    public static RunRecord Load(RunFolder folder)
    {
        string path = folder.File(FileName);
        if (!File.Exists(path))
            return new RunRecord();
        try
        {
            JsonObject json = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new JsonException("it is no JSON object");
            return new RunRecord
            {
                Command = (string)json["command"]!, Version = (string)json["version"]!, Hardware = (string)json["machine"]!,
                System = (string)json["system"]!, Data = (string)json["data"]!, Device = (string?)json["device"] ?? Processor,
                Started = DateTimeOffset.Parse((string)json["started"]!, CultureInfo.InvariantCulture), Seconds = (double)json["seconds"]!,
                Outcome = (string)json["outcome"]!, Step = (int)json["step"]!, Steps = (int)json["steps"]!,
                BestMeanIoU = (double?)json["bestMeanIoU"], BestStep = (int)json["bestStep"]!, Parameters = (long)json["parameters"]!,
                PeakBytes = (long)json["peakBytes"]!,
            };
        }
        catch (Exception failure) when (failure is JsonException or FormatException or InvalidOperationException or ArgumentNullException)
        {
            throw new RunException($"not a record of this program ({failure.Message})", place: path, remedy: "delete it, or restore it", cause: failure);
        }
    }

    /// <summary>Writes the record into the run folder.</summary>
    /// <exception cref="RunException">It cannot be written.</exception>
    public void Save(RunFolder folder)
    {
        var json = new JsonObject
        {
            ["command"] = Command, ["version"] = Version, ["machine"] = Hardware, ["system"] = System, ["device"] = Device, ["data"] = Data,
            ["started"] = Started.ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture), ["seconds"] = Math.Round(Seconds, 1),
            ["outcome"] = Outcome, ["step"] = Step, ["steps"] = Steps, ["bestMeanIoU"] = BestMeanIoU, ["bestStep"] = BestStep,
            ["parameters"] = Parameters, ["peakBytes"] = PeakBytes,
        };
        AtomicFile.WriteText(folder.File(FileName), json.ToJsonString(s_readable) + "\n");
    }
}
