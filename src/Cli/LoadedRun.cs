using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>A run folder and the network from one of its weight files.</summary>
internal sealed class LoadedRun
{
    private readonly DeviceSelection _device;

    private LoadedRun(RunFolder folder, TrainingOptions options, Checkpoint checkpoint, string checkpointName, DeviceSelection device)
    {
        _device = device;
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
    /// The requested precision; otherwise the precision the run was trained in, if the device supports it; otherwise fp32.
    /// </summary>
    public static Precision Choose(Precision? asked, Precision trained, Device device) =>
        asked ?? (trained.RunsOn(device) ? trained : Precision.Fp32);

    /// <summary>
    /// Loads the weights named last or best of a run onto a device. By default the run is the newest in runs/, and the precision is that of
    /// the training (see <see cref="Choose"/>).
    /// </summary>
    /// <exception cref="UsageException">The run does not exist, or it has no such weights.</exception>
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
        return new LoadedRun(folder, options, weights, checkpoint, device);
    }

    /// <summary>The run folder at a path, or the newest one.</summary>
    /// <exception cref="UsageException">There is no run.</exception>
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

    /// <summary>Creates a predictor with the given tile stride, or the run's own.</summary>
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

    /// <summary>Describes device and precision, for example <c>cpu; fp32, trained in bf16</c>.</summary>
    public string DescribeDevice() => Precision == Options.Precision
        ? Commands.CommandHelpers.Describe(_device, Precision)
        : $"{_device.Description}; {Precision.Label()}, trained in {Options.Precision.Label()}";

    /// <summary>Describes the network, for example <c>runs/first, last weights (step 300): cs-unet-mini, 128x128, 3 classes</c>.</summary>
    public string Describe() => $"{Folder.Path}, {CheckpointName} weights (step {Checkpoint.Header.Step}): "
        + $"{Options.Model}, {Checkpoint.Model.Height}x{Checkpoint.Model.Width}, {ClassMap.Count} classes";
}
