using CsUnet.Data;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Training;

namespace CsUnet.Tests.Support;

/// <summary>The setup of a training test: a temporary folder, synthetic micrographs and a model.</summary>
internal sealed class TrainingFixture : IDisposable
{
    private static readonly Lazy<MicrographDataset> s_train = new(() => SyntheticMicrographs.CreateDataset("train", 3, 64, 64, 5));
    private static readonly Lazy<MicrographDataset> s_validation = new(() => SyntheticMicrographs.CreateDataset("val", 1, 64, 80, 5));

    static TrainingFixture()
    {
        ModelOptions.Register<TinyModel.Architecture>(TinyModel.Architecture.Name);
        ModelOptions.Register<LinearModel.Architecture>("tests-linear");
    }

    public TrainingFixture() => Root = Directory.CreateTempSubdirectory("csunet-training-").FullName;

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

    public static CheckpointHeader Header(SegmentationModel model) =>
        new(model.Options, ClassMap.NasaSuper, Normalisation.ImageNet, 0, CheckpointHeader.ThisProgram);

    /// <summary>Creates a trainer for a <see cref="TinyModel"/> in a folder that may contain a run.</summary>
    public static Trainer NewTrainer(
        RunFolder folder, TrainingOptions options, MicrographDataset? validation = null, IBatchSource? batches = null,
        SegmentationModel? model = null)
    {
        model ??= new TinyModel();
        model.Initialize(options.Seed);
        options.Save(folder.ConfigPath);
        return new Trainer(options, model, Header(model), batches ?? options.CreateBatches(Train, Normalisation.ImageNet), validation,
            folder);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
