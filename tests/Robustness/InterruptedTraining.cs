using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Json;
using CsUnet.Cli;
using CsUnet.Data;
using CsUnet.Tests.Cli;
using CsUnet.Training;

namespace CsUnet.Tests.Robustness;

/// <summary>
/// A training of a tiny network, interrupted again and again: each time it is gone on with, and the weights are compared with those of a
/// training that nobody interrupted.
/// </summary>
internal sealed class InterruptedTraining : IDisposable
{
    private const int Steps = 7, Interval = 3;

    private static readonly string[] s_options =
    [
        "--classes", "nasa-super", "--model", "cs-unet-mini", "--size", "32", "--batch", "2", "--embed-dim", "8", "--encoder-width", "8",
        "--augment", "none", "--threads", "1", "--device", "cpu", "--steps", $"{Steps}", "--checkpoint-every", $"{Interval}",
    ];

    private readonly Workspace _workspace = new();
    private readonly Dictionary<string, byte[]> _reference;

    public InterruptedTraining()
    {
        SyntheticMicrographs.WriteTo(_workspace["set"], train: 2, validation: 1, test: 1, height: 64, width: 64, seed: 3);
        Interruption.Arm("none", 0, 0, Folder);
        ProgramRun run = ProgramRun.Of([.. Arguments]);
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Calls = new[] { "open", "write", "fsync", "rename", "link", "unlink", "mkdir", "rmdir", "ftruncate" }
            .ToDictionary(function => function, Interruption.Calls);
        Interruption.Disarm();
        _reference = Weights();
        Assert.Equal(3, _reference.Count);
    }

    /// <summary>The run's folder.</summary>
    public string Folder => _workspace["run"];

    /// <summary>What a kill leaves of it, by <see cref="Interruption.Copy"/>.</summary>
    public string CopiedFolder => Folder + ".copy";

    /// <summary>The arguments of a new training.</summary>
    public IReadOnlyList<string> Arguments => ["train", "--data", _workspace["set"], .. s_options, "--out", Folder];

    /// <summary>How often a training calls each function on its folder.</summary>
    public IReadOnlyDictionary<string, int> Calls { get; }

    /// <summary>The most steps that an interruption has cost so far.</summary>
    public int StepsLost { get; private set; }

    /// <summary>The largest number of bytes of temporary files that an interruption has left so far, before the run went on.</summary>
    public long BytesLeft { get; private set; }

    /// <summary>Removes the run, so that the next one begins with no folder.</summary>
    public void Clear()
    {
        foreach (string folder in new[] { Folder, CopiedFolder })
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
    }

    /// <summary>Starts the program with a kill at one call, and waits for it. Returns its exit code.</summary>
    public int TrainUntilKilled(string function, int call)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "csunet"), Arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment[Interruption.Variable] = $"{function}:{call}:{Interruption.Kill}:{Folder}";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        process.WaitForExit();
        Task.WaitAll(output, error);
        return process.ExitCode;
    }

    /// <summary>Trains in this process, and puts a copy of the folder as it was before one call in its place.</summary>
    public string? TrainWithCopy(string function, int call)
    {
        Interruption.Arm(function, call, Interruption.Copy, Folder);
        ProgramRun run = ProgramRun.Of([.. Arguments]);
        int hits = Interruption.Hits();
        Interruption.Disarm();
        if (run.Code != ExitCode.Success || hits != 1)
            return $"{hits} calls were copied, and the training ended with {run.Code}: {run.Error}";
        Directory.Delete(Folder, recursive: true);
        // Before the first call there is no folder.
        if (Directory.Exists(CopiedFolder))
            Directory.Move(CopiedFolder, Folder);
        return CheckpointProblem(Reached());
    }

    /// <summary>The checkpoint that an interruption has left can be read, and is at most one interval old.</summary>
    /// <param name="reached">The step that was reached.</param>
    public string? CheckpointProblem(int reached)
    {
        string last = Path.Combine(Folder, "last.safetensors");
        if (Directory.Exists(Folder))
            BytesLeft = Math.Max(BytesLeft, Temporary().Sum(file => new FileInfo(file).Length));
        int step = 0;
        if (File.Exists(last))
        {
            step = int.Parse(Metadata(File.ReadAllBytes(last)).GetProperty("step").GetString()!, null);
            string state = Path.Combine(Folder, Metadata(File.ReadAllBytes(last)).GetProperty("optimizer_state").GetString()!);
            if (!File.Exists(state))
                return $"the optimiser state {state} of the checkpoint is gone";
        }
        int lost = reached - step;
        StepsLost = Math.Max(StepsLost, lost);
        return lost <= Interval ? null : $"{lost} steps are lost, expected at most {Interval}";
    }

    /// <summary>The last step in the run's metrics: what it had reached.</summary>
    public int Reached()
    {
        string file = Path.Combine(Folder, "metrics.csv");
        return File.Exists(file) && File.ReadAllLines(file) is { Length: > 1 } lines
            ? int.Parse(lines[^1].Split(',')[0], null)
            : 0;
    }

    /// <summary>Trains in this process, and one call fails. Returns what is wrong with how the program took it.</summary>
    public string? TrainWithFailure(string function, int call, int error)
    {
        Interruption.Arm(function, call, error, Folder);
        ProgramRun run = ProgramRun.Of([.. Arguments]);
        int hits = Interruption.Hits();
        Interruption.Disarm();
        if (hits == 0)
            return "the call was not made";
        // The check of the data warns in every one of these trainings.
        string[] lines = [.. run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(line => !line.StartsWith("warning: the pictures of ", StringComparison.Ordinal))],
            errors = [.. lines.Where(line => line.StartsWith("error: ", StringComparison.Ordinal))];
        string? problem = run.Code switch
        {
            // What the work does not need, such as a report, does not end it; what is not deleted is deleted the next time.
            ExitCode.Success => lines.Length > 0 || function == "unlink" ? null : "no word of it",
            // A folder that cannot be made is a wrong call.
            ExitCode.Usage when Directory.Exists(Folder) => "exit code 2, though the training had begun",
            not (ExitCode.Failure or ExitCode.Usage) => $"exit code {run.Code}",
            _ when errors.Length != 1 => $"{errors.Length} lines of errors",
            _ when lines.Length != 1 && error < Interruption.FromNowOn => "more than one line",
            _ when errors[0].Contains("internal error", StringComparison.Ordinal) => "an internal error",
            _ when !errors[0].Contains("; ", StringComparison.Ordinal) => "no remedy",
            _ => null,
        };
        if (problem is null && function != "unlink" && Directory.Exists(Folder) && Temporary() is { Length: > 0 } left)
            problem = $"{Path.GetFileName(left[0])} stays";
        Messages += run.Code != ExitCode.Success && problem is null ? 1 : 0;
        return (problem is null ? null : $"{problem}: {run.Error.Trim()}") ?? CheckpointProblem(Reached());
    }

    /// <summary>The number of failures so far that ended the training with one line and a remedy.</summary>
    public int Messages { get; private set; }

    /// <summary>Goes on with the run, or starts it again if it had not begun. Returns what is not as without the interruption.</summary>
    public string? GoOn()
    {
        ProgramRun run = File.Exists(Path.Combine(Folder, "config.yaml"))
            ? ProgramRun.Of("train", "--resume", "--run", Folder)
            : ProgramRun.Of([.. Arguments]);
        if (run.Code != ExitCode.Success)
            return $"going on ends with {run.Code}: {run.Error.TrimEnd()}";
        if (Temporary() is { Length: > 0 } left)
            return $"{string.Join(", ", left.Select(Path.GetFileName))} stays";
        Dictionary<string, byte[]> weights = Weights();
        return !weights.Keys.Order().SequenceEqual(_reference.Keys.Order())
            ? $"there are {string.Join(", ", weights.Keys.Order())}, expected {string.Join(", ", _reference.Keys.Order())}"
            : weights.FirstOrDefault(file => !file.Value.AsSpan().SequenceEqual(_reference[file.Key])).Key is { } other
                ? $"{other} has other weights"
                : null;
    }

    public void Dispose() => _workspace.Dispose();

    /// <summary>The tensors of the run's files, without the header, which may name the run.</summary>
    private Dictionary<string, byte[]> Weights() => Directory.GetFiles(Folder, "*.safetensors")
        .ToDictionary(file => Path.GetFileName(file)!, file => Payload(File.ReadAllBytes(file)));

    private string[] Temporary() => Directory.GetFiles(Folder, "*.tmp", SearchOption.AllDirectories);

    private static byte[] Payload(byte[] file) => file[(8 + HeaderBytes(file))..];

    private static JsonElement Metadata(byte[] file) =>
        JsonDocument.Parse(file.AsMemory(8, HeaderBytes(file))).RootElement.GetProperty("__metadata__");

    private static int HeaderBytes(byte[] file) => checked((int)BinaryPrimitives.ReadInt64LittleEndian(file));
}
