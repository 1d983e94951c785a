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

    /// <summary>The arithmetic of the network.</summary>
    public Precision Precision => Checkpoint.Model.Precision;

    /// <summary>
    /// The precision that was asked for; else the one that the run was trained in, where the device computes in it; else fp32.
    /// </summary>
    public static Precision Choose(Precision? asked, Precision trained, Device device) =>
        asked ?? (trained.RunsOn(device) ? trained : Precision.Fp32);

    /// <summary>
    /// Loads the weights called last or best of a run, by default the newest in runs/, onto a device, to compute in a precision, or in
    /// that of the training (see <see cref="Choose"/>).
    /// </summary>
    /// <exception cref="UsageException">There is no such run, or it has no such weights.</exception>
    public static LoadedRun Open(string? path, string checkpoint, DeviceSelection device, Precision? precision = null)
    {
        RunFolder folder = FindFolder(path);
        string file = folder.CheckpointPath(checkpoint);
        if (!File.Exists(file))
        {
            string remedy = checkpoint == "best" && File.Exists(folder.LastPath)
                ? "the run had no validation; use --checkpoint last"
                : $"the run was stopped before its first checkpoint; go on with csunet train --resume --run {NextSteps.Quote(folder.Path)}";
            throw new UsageException("no such file", place: file, remedy: remedy);
        }
        Checkpoint weights = Checkpoint.Load(file, device: device.Device);
        TrainingOptions options = folder.LoadOptions();
        weights.Model.Precision = Choose(precision, options.Precision, device.Device);
        return new LoadedRun(folder, options, weights, checkpoint);
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
            throw UsageException.From(failure);
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
            throw UsageException.From(failure, "--stride");
        }
    }

    /// <summary>Device and precision; for example <c>cpu; fp32, trained in bf16</c>.</summary>
    public string Describe(DeviceSelection device) => Precision == Options.Precision
        ? Commands.CommandHelpers.Describe(device, Precision)
        : $"{device.Description}; {Precision.Label()}, trained in {Options.Precision.Label()}";

    /// <summary>For example <c>runs/first, last weights (step 300): cs-unet-mini, 128x128, 3 classes</c>.</summary>
    public string Describe() => $"{Folder.Path}, {CheckpointName} weights (step {Checkpoint.Header.Step}): "
        + $"{Options.Model}, {Checkpoint.Model.Height}x{Checkpoint.Model.Width}, {ClassMap.Count} classes";
}
