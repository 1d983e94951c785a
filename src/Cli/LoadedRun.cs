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

    /// <summary>How the samples of image files become levels.</summary>
    public IntensityScale Intensity => Checkpoint.Header.Intensity;

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
                ? "the run had no validation, or the file is gone; use --checkpoint last"
                : $"the run was stopped before its first checkpoint; go on with csunet train --resume --run {NextSteps.Quote(folder.Path)}";
            throw new UsageException("no such file", place: file, remedy: remedy);
        }
        Checkpoint weights = folder.LoadCheckpoint(checkpoint, device.Device);
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

    /// <summary>Refuses options whose data folder is gone, as after it was moved.</summary>
    /// <exception cref="UsageException">There is no such folder.</exception>
    public static void RequireData(TrainingOptions options)
    {
        if (!RunData.IsSynthetic(options) && !Directory.Exists(options.Data))
            throw new UsageException("no such folder", "the data of the run", options.Data, "give the folder where they lie now by --data");
    }

    /// <summary>What an evaluation with this network measures.</summary>
    /// <param name="images">The images.</param>
    /// <param name="options">The options that name the data.</param>
    /// <param name="split">Which of the data.</param>
    /// <param name="stride">The tile stride; null: the run's own.</param>
    public EvaluationOrigin OriginOf(MicrographDataset images, TrainingOptions options, string split, int? stride)
    {
        int height = Checkpoint.Model.Height, width = Checkpoint.Model.Width, pixels = stride ?? Options.TileStride;
        string name = Commands.CommandHelpers.Describe(_device, Precision);
        return new EvaluationOrigin(split, CheckpointName, Checkpoint.Header.Step, pixels == 0 ? Math.Min(height, width) / 2 : pixels,
            _device.Device.Kind == DeviceKind.Cpu ? RunRecord.Processor : name, RunData.Describe(options), images.Content.Hash,
            Checkpoint.ContentHash, Checkpoint.Header.Identity?.Run);
    }

    /// <summary>Memory of the process that a prediction needs besides the image; see <see cref="CreatePredictor"/>.</summary>
    public double PredictionBytes { get; private set; }

    /// <summary>
    /// Creates a predictor with the given tile stride, or the run's own. It takes up to eight tiles at a time, fewer if memory is short.
    /// </summary>
    /// <exception cref="UsageException">The stride is larger than a tile, or not even one tile fits into memory.</exception>
    public Predictor CreatePredictor(int? stride)
    {
        int tile = Math.Min(Checkpoint.Model.Height, Checkpoint.Model.Width);
        if (stride is null && Options.TileStride > tile)
        {
            throw new UsageException($"tile_stride is {Options.TileStride}", $"at most {tile}, the side of the network's tiles",
                Folder.ConfigPath, "give --stride");
        }
        int batch = TileBatch();
        try
        {
            return Checkpoint.CreatePredictor(stride ?? Options.TileStride, batch);
        }
        catch (RunException failure)
        {
            throw UsageException.From(failure, "--stride");
        }
    }

    private int TileBatch()
    {
        const int Usual = 8;
        Device device = Checkpoint.Model.Device;
        string? excess = null;
        for (int batch = Usual; batch >= 1; batch /= 2)
        {
            MemoryNeed need = MemoryNeed.OfPrediction(Checkpoint.Model.Options, Precision, device, batch);
            excess = need.Excess(device);
            if (excess is not null)
                continue;
            PredictionBytes = need.Host;
            return batch;
        }
        throw new UsageException($"one tile of the network {excess}", place: Folder.CheckpointPath(CheckpointName),
            remedy: "use a machine with more memory, or a network of a smaller size");
    }

    /// <summary>Describes device and precision, for example <c>cpu; fp32, trained in bf16</c>.</summary>
    public string DescribeDevice() => Precision == Options.Precision
        ? Commands.CommandHelpers.Describe(_device, Precision)
        : $"{_device.Description}; {Precision.Label()}, trained in {Options.Precision.Label()}";

    /// <summary>Describes the network, for example <c>runs/first, last weights (step 300): cs-unet-mini, 128x128, 3 classes</c>.</summary>
    public string Describe() => $"{Folder.Path}, {CheckpointName} weights (step {Checkpoint.Header.Step}): "
        + $"{Options.Model}, {Checkpoint.Model.Height}x{Checkpoint.Model.Width}, {ClassMap.Count} classes";
}
