using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>A run folder and the network that one of its weight files holds.</summary>
internal sealed class LoadedRun
{
    private LoadedRun(RunFolder folder, TrainingOptions options, Checkpoint checkpoint, string checkpointName)
    {
        Folder = folder;
        Options = options;
        Checkpoint = checkpoint;
        CheckpointName = checkpointName;
    }

    public RunFolder Folder { get; }

    public TrainingOptions Options { get; }

    public Checkpoint Checkpoint { get; }

    public string CheckpointName { get; }

    public ClassMap ClassMap => Checkpoint.ClassMap;

    /// <summary>Loads the weights called last or best of a run, by default the newest in runs/, onto a device, to compute in a precision.</summary>
    /// <exception cref="UsageException">There is no such run, or it has no such weights.</exception>
    public static LoadedRun Open(string? path, string checkpoint, DeviceSelection device, Precision precision = Precision.Fp32)
    {
        RunFolder folder = FindFolder(path);
        string file = folder.CheckpointPath(checkpoint);
        if (!File.Exists(file))
        {
            string remedy = checkpoint == "best" && File.Exists(folder.LastPath)
                ? "the run had no validation; use --checkpoint last"
                : $"the run was stopped before its first checkpoint; go on with csunet train --resume --run {NextSteps.Quote(folder.Path)}";
            throw new UsageException($"{file}: no such file; {remedy}");
        }
        Checkpoint weights = Checkpoint.Load(file, device: device.Device);
        weights.Model.Precision = precision;
        return new LoadedRun(folder, folder.LoadOptions(), weights, checkpoint);
    }

    /// <summary>The run folder of a path, or the newest.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static RunFolder FindFolder(string? path)
    {
        try
        {
            return path is null ? RunFolder.Newest() : RunFolder.Open(path);
        }
        catch (RunException failure)
        {
            throw new UsageException(failure.Message, failure);
        }
    }

    /// <summary>A predictor with the run's tile stride, or another one.</summary>
    /// <exception cref="UsageException">The stride is larger than a tile.</exception>
    public Predictor CreatePredictor(int? stride)
    {
        try
        {
            return Checkpoint.CreatePredictor(stride ?? Options.TileStride);
        }
        catch (RunException failure)
        {
            throw new UsageException($"--stride: {failure.Message}", failure);
        }
    }

    /// <summary>For example <c>runs/first, last weights (step 300): cs-unet-mini, 128x128, 3 classes</c>.</summary>
    public string Describe() => $"{Folder.Path}, {CheckpointName} weights (step {Checkpoint.Header.Step}): "
        + $"{Options.Model}, {Checkpoint.Model.Height}x{Checkpoint.Model.Width}, {ClassMap.Count} classes";
}
