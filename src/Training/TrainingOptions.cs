using CsUnet.Data;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// Everything that determines the result of a training run; saved as config.yaml in its folder. The defaults are the recipe with which
/// PyTorch reaches a test mean IoU of 0.85 on the Super1 micrographs.
/// </summary>
public sealed partial record TrainingOptions
{
    /// <summary>The network: one of <see cref="SegmentationModels.Names"/>.</summary>
    public string Model { get; init; } = "cs-unet-mini";

    /// <summary>Height of the model's input, of the training crops and of the prediction tiles; a multiple of 32.</summary>
    public int Height { get; init; } = 128;

    /// <summary>Width of the model's input, of the training crops and of the prediction tiles; a multiple of 32.</summary>
    public int Width { get; init; } = 128;

    /// <summary>Attention window in tokens; null: the preset's.</summary>
    public int? Window { get; init; }

    /// <summary>Channels of the first Swin stage; null: the preset's.</summary>
    public int? EmbedDim { get; init; }

    /// <summary>Swin blocks per stage; empty: the preset's.</summary>
    public IReadOnlyList<int> Depths { get; init; } = [];

    /// <summary>Attention heads per stage; empty: the preset's.</summary>
    public IReadOnlyList<int> Heads { get; init; } = [];

    /// <summary>CNN encoder, one of <see cref="Encoders.Names"/>; null: the preset's.</summary>
    public string? Encoder { get; init; }

    /// <summary>Channels of the CNN's first stage; null: the preset's, or the published width if an encoder is named.</summary>
    public int? EncoderWidth { get; init; }

    /// <summary>Blocks of each stage of the CNN encoder; empty: those of the encoder.</summary>
    public IReadOnlyList<int> EncoderLayers { get; init; } = [];

    /// <summary>File of the weights with which the CNN encoder of a new run begins; null: random ones.</summary>
    public string? CnnWeights { get; init; }

    /// <summary>The MLP of the Swin blocks; null: the preset's.</summary>
    public MlpKind? Mlp { get; init; }

    /// <summary>Largest DropPath probability; null: the preset's.</summary>
    public double? DropPath { get; init; }

    /// <summary>Folder of the data set; null: synthetic micrographs.</summary>
    public string? Data { get; init; }

    /// <summary>
    /// Class map: nasa-super, nasa-ebc, or the path of a YAML file; null: the class map of the data folder or of the synthetic set.
    /// </summary>
    public string? Classes { get; init; }

    /// <summary>Names of the training images to use, for few-shot and one-shot protocols; empty: all.</summary>
    public IReadOnlyList<string> Subset { get; init; } = [];

    /// <summary>How the range of samples that becomes levels 0 to 255 is found over the training images.</summary>
    public IntensityRule Intensity { get; init; } = IntensityRule.Auto;

    /// <summary>The augmentation of training images after their random crop.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.Default;

    /// <summary>Images per step.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>Optimiser steps of the run; ignored when <see cref="Epochs"/> is set.</summary>
    public int Steps { get; init; } = 300;

    /// <summary>Length of the run in epochs; an epoch crops each training image once. Null: <see cref="Steps"/> applies.</summary>
    public int? Epochs { get; init; }

    /// <summary>The optimiser.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.AdamW;

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Weight decay of every parameter: decoupled for AdamW, added to the gradient for SGD.</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>Momentum of SGD.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>How the learning rate changes.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Cosine;

    /// <summary>Steps over which the learning rate rises linearly to its peak.</summary>
    public int WarmUp { get; init; } = 20;

    /// <summary>The final learning rate of the cosine, and the lower limit of the plateau schedule.</summary>
    public double MinimumLearningRate { get; init; }

    /// <summary>Steps between two reductions of the step schedule.</summary>
    public int ScheduleEvery { get; init; } = 100;

    /// <summary>Factor of one reduction of the step and plateau schedules.</summary>
    public double ScheduleFactor { get; init; } = 0.1;

    /// <summary>Validations without improvement before the plateau schedule reduces the learning rate.</summary>
    public int PlateauPatience { get; init; } = 5;

    /// <summary>Largest L2 norm of the gradient of all parameters; a larger gradient is scaled down to it. 0: no clipping.</summary>
    public double ClipNorm { get; init; }

    /// <summary>Weight of the cross-entropy in the loss.</summary>
    public double CrossEntropyWeight { get; init; } = 0.5;

    /// <summary>Weight of the soft Dice loss in the loss.</summary>
    public double DiceWeight { get; init; } = 0.5;

    /// <summary>Weights of the classes in the cross-entropy, in the order of the labels; empty: all 1.</summary>
    public IReadOnlyList<double> ClassWeights { get; init; } = [];

    /// <summary>Steps between two validations; 0: only after the last step.</summary>
    public int ValidateEvery { get; init; } = 50;

    /// <summary>Steps between two checkpoints. A checkpoint is also written after every validation and at the end. 0: only then.</summary>
    public int CheckpointEvery { get; init; } = 100;

    /// <summary>Consecutive validations without a better mean IoU before the run stops; 0: never.</summary>
    public int Patience { get; init; }

    /// <summary>Pixels between the tiles of a validation; 0: the tile's size, so that tiles do not overlap, which is fastest.</summary>
    public int ValidationStride { get; init; }

    /// <summary>Pixels between the tiles of an evaluation or prediction; 0: half the tile's size.</summary>
    public int TileStride { get; init; }

    /// <summary>Arithmetic of the network on a CUDA device; the CPU supports fp32 only.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>Seed of the initial weights, the order of the data, the augmentation and DropPath.</summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// Threads of the engine; 0: one per logical core. More than <see cref="Workers.Largest"/> are not started. Results do not depend on
    /// this.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>The architecture that these options describe.</summary>
    /// <param name="classes">Number of classes of the class map.</param>
    /// <exception cref="ArgumentException">The network cannot be built, or does not have an option; the message says why.</exception>
    public ModelOptions ModelOptions(int classes) => SegmentationModels.Named(Model).With(Height, Width, classes, new NetworkSettings
    {
        Window = Window, EmbedDim = EmbedDim, Depths = Depths, Heads = Heads, Mlp = Mlp, DropPath = DropPath, Encoder = Encoder,
        EncoderWidth = EncoderWidth, EncoderLayers = EncoderLayers,
    });

    /// <summary>Checks every option by itself and in combination.</summary>
    /// <exception cref="OptionException">An option is out of range; the message names it, its value and the allowed values.</exception>
    /// <exception cref="RunException">Two options contradict each other.</exception>
    public void Validate()
    {
        foreach (TrainingOption option in TrainingOptionTable.All)
            option.Check(this);
        if (CrossEntropyWeight + DiceWeight <= 0)
            throw new RunException("cross_entropy_weight and dice_weight are both 0", "at least one above 0");
        RequireStride("validation_stride", ValidationStride);
        RequireStride("tile_stride", TileStride);
        if (ClassWeights.Count > 0 && ClassWeights.All(weight => weight == 0))
            throw new OptionException("class_weights", "are all 0", "at least one above 0");
    }

    private void RequireStride(string option, int stride)
    {
        int tile = Math.Min(Height, Width);
        if (stride > tile)
        {
            throw new OptionException(option, $"is {stride}",
                $"at most {tile}, the side of the network's tiles, so that no pixel is left out");
        }
    }

    /// <summary>Two sets of options are equal if all values are equal.</summary>
    public bool Equals(TrainingOptions? other) => other is not null && TrainingOptionTable.Differences(this, other).Count == 0;

    /// <inheritdoc />
    public override int GetHashCode() =>
        TrainingOptionTable.All.Aggregate(0, (hash, option) => HashCode.Combine(hash, option.HashOf(this)));

    /// <summary>Creates the batches of a run with these options: augmented random crops, prepared in the background.</summary>
    /// <param name="images">The training images; the caller keeps ownership.</param>
    /// <param name="normalisation">How images are normalised for the network.</param>
    public BatchLoader CreateBatches(MicrographDataset images, Normalisation normalisation) =>
        new(images, new BatchOptions(Batch, Height, Width, Seed) { Augmentation = Augmentation, Normalisation = normalisation });

    /// <summary>Creates the optimiser of a run with these options.</summary>
    /// <param name="module">The module whose parameters it updates.</param>
    public Optimizer CreateOptimizer(Module module) => Optimizer switch
    {
        OptimizerKind.Sgd => new SGD(module) { LearningRate = LearningRate, Momentum = Momentum, WeightDecay = WeightDecay },
        _ => new AdamW(module) { LearningRate = LearningRate, WeightDecay = WeightDecay },
    };

    /// <summary>Creates the learning-rate schedule of a run with these options.</summary>
    /// <param name="steps">Steps of the run.</param>
    public Schedule CreateSchedule(int steps) =>
        new(Schedule, LearningRate, steps, WarmUp, MinimumLearningRate, ScheduleEvery, ScheduleFactor);

    /// <summary>Creates the loss of a run with these options.</summary>
    /// <param name="classes">Number of classes.</param>
    /// <exception cref="OptionException">The number of class weights is not the number of classes.</exception>
    public SegmentationLoss CreateLoss(int classes)
    {
        if (ClassWeights.Count != 0 && ClassWeights.Count != classes)
        {
            throw new OptionException(
                "class_weights", $"holds {ProblemText.Count(ClassWeights.Count, "number")}", $"{classes}, one per class");
        }
        return new SegmentationLoss(CrossEntropyWeight, DiceWeight, ClassWeights);
    }
}
