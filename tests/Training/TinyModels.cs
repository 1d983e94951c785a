using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Models;
using CsUnet.Tensors;
using CsUnet.Training;
using Xunit;

namespace CsUnet.Tests.Training;

/// <summary>A pixelwise classifier with one convolution, batch norm and dropping: everything that a trainer has to carry along.</summary>
internal sealed class TinyModel : SegmentationModel
{
    private readonly Conv2dLayer _convolution;
    private readonly BatchNormLayer _norm;
    private readonly LinearLayer _head;

    public TinyModel(int size = 32, int classes = 3, DType type = DType.Float32) : base(size, size, classes, type)
    {
        _convolution = Register("conv", new Conv2dLayer(3, 8, 3, 1, 1, true, type));
        _norm = Register("norm", new BatchNormLayer(8, type));
        _head = Register("head", new LinearLayer(8, classes, true, type));
    }

    protected override Variable Logits(Variable images)
    {
        Variable x = Variable.Apply(new ReLU(), _norm.Forward(_convolution.Forward(images)));
        if (IsTraining)
            x = Variable.Apply(new Dropout(0.1, Key), x);
        return _head.Forward(x);
    }
}

/// <summary>A linear classifier of single pixels: without statistics, its predictions change by its parameters alone.</summary>
internal sealed class LinearModel : SegmentationModel
{
    private readonly LinearLayer _head;

    public LinearModel() : base(32, 32, 3, DType.Float32) => _head = Register("head", new LinearLayer(3, 3, true, DType.Float32));

    protected override Variable Logits(Variable images) => _head.Forward(images);
}

/// <summary>Logits that are a fixed function of the pixel: what tiles it lies in must not matter.</summary>
internal sealed class PixelModel(int height, int width) : SegmentationModel(height, width, 3, DType.Float32)
{
    public List<int> Batches { get; } = [];

    protected override Variable Logits(Variable images)
    {
        Assert.False(IsTraining);
        Assert.True(NoGrad.IsActive);
        Batches.Add(images.Shape[0]);
        Tensor logits = images.Value.Clone();
        for (long i = 0; i < logits.Count; i += 3)
            logits[i + 1] *= -1;
        return new Variable(logits);
    }
}

/// <summary>Where a test trains: a folder that goes away, synthetic micrographs, and a model.</summary>
internal sealed class Workshop : IDisposable
{
    private static readonly Lazy<MicrographDataset> s_train = new(() => SyntheticMicrographs.CreateDataset("train", 3, 64, 64, 5));
    private static readonly Lazy<MicrographDataset> s_validation = new(() => SyntheticMicrographs.CreateDataset("val", 1, 64, 80, 5));

    public Workshop() => Root = Directory.CreateTempSubdirectory("csunet-training-").FullName;

    public string Root { get; }

    public static MicrographDataset Train => s_train.Value;

    public static MicrographDataset Validation => s_validation.Value;

    public static TrainingOptions Options { get; } = new()
    {
        Height = 32, Width = 32, Batch = 2, Steps = 12, ValidateEvery = 4, CheckpointEvery = 3, WarmUp = 2, Seed = 7,
    };

    /// <summary>A small CS-UNet.</summary>
    public static TrainingOptions CsUnetOptions { get; } = Options with
    {
        EmbedDim = 8, Depths = [1, 1, 1, 1], Heads = [1, 1, 2, 2], EncoderWidth = 8, Window = 4, Steps = 6, ValidateEvery = 3,
    };

    public string Path(string name) => System.IO.Path.Combine(Root, name);

    public RunFolder NewFolder(string name) => RunFolder.Create("tiny", Path(name));

    public static CheckpointHeader Header(TrainingOptions options) =>
        new(options.ModelOptions(3), ClassMap.NasaSuper, Normalisation.ImageNet, 0, CheckpointHeader.ThisProgram);

    /// <summary>A trainer of a <see cref="TinyModel"/> in a folder that may hold a run.</summary>
    public static Trainer NewTrainer(
        RunFolder folder, TrainingOptions options, MicrographDataset? validation = null, IBatchSource? batches = null, SegmentationModel? model = null)
    {
        model ??= new TinyModel();
        model.Initialize(options.Seed);
        options.Save(folder.ConfigPath);
        return new Trainer(options, model, Header(options), batches ?? new CropSource(Train, options, Normalisation.ImageNet), validation, folder);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

/// <summary>Records what happens, and calls back.</summary>
internal sealed class Recorder : ITrainingObserver
{
    public List<StepReport> Steps { get; } = [];

    public List<ValidationReport> Validations { get; } = [];

    public List<int> Checkpoints { get; } = [];

    public Action<StepReport>? AtStep { get; init; }

    public Action<int>? AtValidation { get; init; }

    public void OnStep(StepReport report)
    {
        Steps.Add(report);
        AtStep?.Invoke(report);
    }

    public void OnValidationStarted(int step) => AtValidation?.Invoke(step);

    public void OnValidation(ValidationReport report) => Validations.Add(report);

    public void OnCheckpoint(int step, string path) => Checkpoints.Add(step);
}
