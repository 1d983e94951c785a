using CsUnet.Data;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using static CsUnet.Training.OptionTypes;

namespace CsUnet.Training;

/// <summary>
/// Every option of a run, listed once: key, meaning, default, values, and how to read and write it. A new option needs a property of
/// <see cref="TrainingOptions"/> and a row here; config.yaml, the command line, its help and docs/options.md follow.
/// </summary>
public static class TrainingOptionTable
{
    private const string Preset = "the preset's";

    /// <summary>The groups with their options, in the order of config.yaml.</summary>
    public static IReadOnlyList<(string Name, IReadOnlyList<TrainingOption> Options)> Groups { get; } =
    [
        Group("Network", Network()),
        Group("CS-UNet", CsUnet()),
        Group("Data", Data()),
        Group("Length of the run", Length()),
        Group("Optimiser", Optimiser()),
        Group("Learning-rate schedule", LearningRateSchedule()),
        Group("Gradient and loss", Loss()),
        Group("Validation, checkpoints and prediction", Validation()),
        Group("Arithmetic and machine", Machine()),
        Group("Augmentation", Augmentation()),
    ];

    /// <summary>Every option, in the order of config.yaml.</summary>
    public static IReadOnlyList<TrainingOption> All { get; } = [.. Groups.SelectMany(group => group.Options)];

    /// <summary>Finds the option with a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="place">Where the key was read, for the error; null if not from a file.</param>
    /// <exception cref="OptionException">No option has this key; the message names the nearest one.</exception>
    public static TrainingOption Find(string key, string? place = null)
    {
        if (All.FirstOrDefault(option => option.Key == key) is { } found)
            return found;
        string[] known = [.. All.Select(option => option.Key)];
        throw new OptionException(key, "is not an option", $"one of {string.Join(", ", known)}", place, NearestName.Hint(key, known));
    }

    /// <summary>The keys of the options that differ between two runs, in the order of config.yaml.</summary>
    public static IReadOnlyList<string> Differences(TrainingOptions a, TrainingOptions b) =>
        [.. All.Where(option => !option.AreEqual(a, b)).Select(option => option.Key)];

    private static IEnumerable<TrainingOption> Network()
    {
        SingleType<string> model = Word(SegmentationModels.Names);
        yield return Row("model", model, o => o.Model, (o, v) => o with { Model = v }, $"Network: {Choice(model)}", isFixed: true);
        yield return Row("size", Size, o => (o.Height, o.Width), (o, v) => o with { Height = v.Height, Width = v.Width },
            "Side of training crops and prediction tiles in pixels, or HEIGHTxWIDTH; multiples of 32", isFixed: true);
        OptionalString encoder = OptionalWord(Encoders.Names);
        yield return Row("encoder", encoder, o => o.Encoder, (o, v) => o with { Encoder = v },
            $"CNN encoder: {Choice(encoder)}", Preset, isFixed: true);
        yield return Row("encoder_width", OptionalInteger(1, 1024), o => o.EncoderWidth, (o, v) => o with { EncoderWidth = v },
            "Channels of the CNN encoder's first stage", Preset, isFixed: true);
        yield return Row("encoder_layers", Integers("N,N,N,N", 1, 100), o => o.EncoderLayers, (o, v) => o with { EncoderLayers = v },
            "Blocks of each stage of the CNN encoder", "the encoder's", isFixed: true);
        yield return Row("cnn_weights", new OptionalString("FILE"), o => o.CnnWeights, (o, v) => o with { CnnWeights = v },
            "Weights with which the CNN encoder of a new run begins: safetensors, PyTorch or ONNX", "random", isFixed: true);
    }

    private static IEnumerable<TrainingOption> CsUnet()
    {
        SingleType<MlpKind> mlp = Word(("resmlp", MlpKind.ResMlp), ("mlp", MlpKind.Mlp));
        yield return Row("window", OptionalInteger(2, 64), o => o.Window, (o, v) => o with { Window = v },
            "Side of the attention window in tokens", Preset, isFixed: true);
        yield return Row("embed_dim", OptionalInteger(1, 4096), o => o.EmbedDim, (o, v) => o with { EmbedDim = v },
            "Channels of the first Swin stage", Preset, isFixed: true);
        yield return Row("depths", Integers("N,N,N,N", 1, 100), o => o.Depths, (o, v) => o with { Depths = v },
            "Swin blocks of each stage", Preset, isFixed: true);
        yield return Row("heads", Integers("N,N,N,N", 1, 4096), o => o.Heads, (o, v) => o with { Heads = v },
            "Attention heads of each stage", Preset, isFixed: true);
        yield return Row("mlp", Optional(mlp), o => o.Mlp, (o, v) => o with { Mlp = v },
            "MLP of the Swin blocks: resmlp (CS-UNet's) or mlp (Swin's)", Preset, isFixed: true);
        yield return Row("drop_path", Optional(Number(0, 0.99)), o => o.DropPath, (o, v) => o with { DropPath = v },
            "Largest DropPath probability", Preset);
    }

    private static IEnumerable<TrainingOption> Data()
    {
        yield return Row("data", new OptionalString("DIR"), o => o.Data, (o, v) => o with { Data = v },
            $"Folder of the data set, or {RunData.SyntheticName}; a resumed run needs data of the same content", "synthetic micrographs");
        yield return Row("classes", new OptionalString("NAME|FILE"), o => o.Classes, (o, v) => o with { Classes = v },
            $"Mask colours or values of the classes: {string.Join(", ", ClassMap.BuiltIn.Select(map => map.Name))} or a YAML file; needed "
                + $"with data",
            "the synthetic micrographs'");
        yield return Row("subset", Texts("NAME,..."), o => o.Subset, (o, v) => o with { Subset = v },
            "Names of the training images to use", "all", isFixed: true);
        yield return Row("intensity", Intensity, o => o.Intensity, (o, v) => o with { Intensity = v },
            $"Sample values that become levels 0 to 255: {Choice(Intensity)}, found over the training images, or given as LO,HI",
            isFixed: true);
        yield return Row("batch", Integer(1, 65536), o => o.Batch, (o, v) => o with { Batch = v }, "Images per step", isFixed: true);
    }

    private static IEnumerable<TrainingOption> Length()
    {
        yield return Row("steps", Integer(1, 100_000_000), o => o.Steps, (o, v) => o with { Steps = v }, "Training steps");
        yield return Row("epochs", OptionalInteger(1, 10_000_000), o => o.Epochs, (o, v) => o with { Epochs = v },
            "Passes over the training images, instead of a number of steps", "the number of steps");
    }

    private static IEnumerable<TrainingOption> Optimiser()
    {
        SingleType<OptimizerKind> kind = Word(("adamw", OptimizerKind.AdamW), ("sgd", OptimizerKind.Sgd));
        yield return Row("optimizer", kind, o => o.Optimizer, (o, v) => o with { Optimizer = v }, $"Optimiser: {Choice(kind)}",
            alias: "optimiser");
        yield return Row("learning_rate", Number(1e-12, 1000), o => o.LearningRate, (o, v) => o with { LearningRate = v },
            "Peak learning rate", alias: "lr");
        yield return Row("weight_decay", Number(0, 1000), o => o.WeightDecay, (o, v) => o with { WeightDecay = v },
            "Weight decay of every parameter");
        yield return Row("momentum", Number(0, 0.9999), o => o.Momentum, (o, v) => o with { Momentum = v }, "Momentum of sgd");
    }

    private static IEnumerable<TrainingOption> LearningRateSchedule()
    {
        SingleType<ScheduleKind> schedule = Word(
            ("cosine", ScheduleKind.Cosine), ("constant", ScheduleKind.Constant), ("step", ScheduleKind.Step),
            ("plateau", ScheduleKind.Plateau));
        yield return Row("schedule", schedule, o => o.Schedule, (o, v) => o with { Schedule = v },
            $"Learning rate after the warm-up: {Choice(schedule)}");
        yield return Row("warm_up", Integer(0, 100_000_000), o => o.WarmUp, (o, v) => o with { WarmUp = v }, "Steps of linear warm-up");
        yield return Row("minimum_learning_rate", Number(0, 1000), o => o.MinimumLearningRate, (o, v) => o with { MinimumLearningRate = v },
            "Learning rate at the end of cosine and plateau");
        yield return Row("schedule_every", Integer(1, 100_000_000), o => o.ScheduleEvery, (o, v) => o with { ScheduleEvery = v },
            "Steps between reductions of the step schedule");
        yield return Row("schedule_factor", Number(1e-6, 1), o => o.ScheduleFactor, (o, v) => o with { ScheduleFactor = v },
            "Factor of a reduction of the step and plateau schedules");
        yield return Row("plateau_patience", Integer(1, 1_000_000), o => o.PlateauPatience, (o, v) => o with { PlateauPatience = v },
            "Validations without improvement before the plateau schedule reduces the learning rate");
    }

    private static IEnumerable<TrainingOption> Loss()
    {
        yield return Row("clip_norm", Number(0, 1e9), o => o.ClipNorm, (o, v) => o with { ClipNorm = v },
            "Largest norm of the gradient; 0: no clipping");
        yield return Row("cross_entropy_weight", Number(0, 1000), o => o.CrossEntropyWeight, (o, v) => o with { CrossEntropyWeight = v },
            "Weight of the cross-entropy in the loss");
        yield return Row("dice_weight", Number(0, 1000), o => o.DiceWeight, (o, v) => o with { DiceWeight = v },
            "Weight of the soft Dice loss in the loss");
        yield return Row("class_weights", Numbers("X,...", 0, 1e6), o => o.ClassWeights, (o, v) => o with { ClassWeights = v },
            "Weights of the classes in the cross-entropy, in their order", "all 1");
    }

    private static IEnumerable<TrainingOption> Validation()
    {
        yield return Row("validate_every", Integer(0, 100_000_000), o => o.ValidateEvery, (o, v) => o with { ValidateEvery = v },
            "Steps between validations; 0: only at the end");
        yield return Row("checkpoint_every", Integer(0, 100_000_000), o => o.CheckpointEvery, (o, v) => o with { CheckpointEvery = v },
            "Steps between checkpoints, in addition to one after every validation; 0: none in addition");
        yield return Row("patience", Integer(0, 1_000_000), o => o.Patience, (o, v) => o with { Patience = v },
            "Validations without improvement before the run stops; 0: never");
        yield return Row("validation_stride", Integer(0, 8192), o => o.ValidationStride, (o, v) => o with { ValidationStride = v },
            "Pixels between tiles of a validation; 0: no overlap");
        yield return Row("tile_stride", Integer(0, 8192), o => o.TileStride, (o, v) => o with { TileStride = v },
            "Pixels between tiles of evaluation and prediction; 0: half a tile");
    }

    private static IEnumerable<TrainingOption> Machine()
    {
        SingleType<Precision> precision = Word([.. Enum.GetValues<Precision>().Select(value => (value.Label(), value))]);
        yield return Row("precision", precision, o => o.Precision, (o, v) => o with { Precision = v },
            "Arithmetic of the network: fp32, or on a CUDA device tf32 or bf16 (float32 parameters, no loss scaling)");
        yield return Row("seed", Seed, o => o.Seed, (o, v) => o with { Seed = v },
            "Seed of weights, data order, augmentation and DropPath", isFixed: true);
        yield return Row("threads", Integer(0, 1024), o => o.Threads, (o, v) => o with { Threads = v },
            "Threads, at most four per logical core; 0: one per logical core. Results do not depend on it");
    }

    private static IEnumerable<TrainingOption> Augmentation()
    {
        string names = string.Join(", ", AugmentationOptions.BuiltIn.Keys);
        yield return Row("augmentation", new AugmentationType(), o => o.Augmentation, (o, v) => o with { Augmentation = v },
            $"Changes of the training crops: {names} or a YAML file", alias: "augment", defaultName: "default");
    }

    private static TypedOption<T> Row<T>(
        string key, OptionType<T> type, Func<TrainingOptions, T> get, Func<TrainingOptions, T, TrainingOptions> set, string meaning,
        string? whenEmpty = null, bool isFixed = false, string? alias = null, string? defaultName = null) =>
        new(key, type, get, set, meaning)
        {
            WhenEmpty = whenEmpty, IsFixed = isFixed, Aliases = alias is null ? [] : [alias], DefaultName = defaultName,
        };

    private static (string, IReadOnlyList<TrainingOption>) Group(string name, IEnumerable<TrainingOption> options) => (name, [.. options]);
}
