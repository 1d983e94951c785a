using System.Text.Json.Serialization;
using CsUnet.Models.Encoders;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>Everything that determines the architecture of a <see cref="CsUnetModel"/>.</summary>
public sealed record CsUnetOptions : ModelOptions
{
    /// <summary>The kind of these options in JSON.</summary>
    public const string Name = "cs-unet";

    /// <summary>The settings that a run may change.</summary>
    public static IReadOnlyList<string> Settings { get; } =
        ["window", "embed_dim", "depths", "heads", "mlp", "drop_path", "encoder", "encoder_width", "encoder_layers"];

    /// <summary>E, the channels of the first Swin stage.</summary>
    public int EmbedDim { get; init; } = 96;

    /// <summary>Swin blocks per encoder stage; the decoder mirrors them.</summary>
    public IReadOnlyList<int> Depths { get; init; } = [2, 2, 6, 2];

    /// <summary>Attention heads per stage.</summary>
    public IReadOnlyList<int> Heads { get; init; } = [3, 6, 12, 24];

    /// <summary>
    /// Attention window in tokens. A stage whose smaller side is not larger uses that side as its window, without shifting.
    /// </summary>
    public int Window { get; init; } = 7;

    /// <summary>Hidden width of the MLP divided by its input width.</summary>
    public int MlpRatio { get; init; } = 4;

    /// <summary>The MLP of the Swin blocks.</summary>
    public MlpKind Mlp { get; init; } = MlpKind.ResMlp;

    /// <summary>Largest probability of DropPath; it rises linearly over the blocks, starting at 0.</summary>
    public double DropPath { get; init; } = 0.1;

    /// <summary>The CNN encoder; it must have features at strides 4, 8, 16 and 32.</summary>
    public EncoderOptions Cnn { get; init; } = Encoders.Encoders.Named("resnet50");

    /// <inheritdoc />
    public override string Kind => Name;

    /// <summary>The options of the Swin part.</summary>
    [JsonIgnore]
    public SwinOptions Swin => new(Height, Width, EmbedDim, Depths, Heads, Window, MlpRatio, Mlp, DropPath);

    /// <summary>The network of the paper: Swin-T in parallel with ResNet-50.</summary>
    public static CsUnetOptions Tiny(int height, int width, int classes) =>
        new() { Height = height, Width = width, Classes = classes, Window = PreferredWindow(height, width) };

    /// <summary>The network of the paper with two blocks in every stage.</summary>
    public static CsUnetOptions Lite(int height, int width, int classes) => Tiny(height, width, classes) with { Depths = [2, 2, 2, 2] };

    /// <summary>A network for a laptop: a third of the channels, in parallel with a ResNet-18 of half the width.</summary>
    public static CsUnetOptions Mini(int height, int width, int classes) => new()
    {
        Height = height, Width = width, Classes = classes, Window = 8, EmbedDim = 32, Depths = [2, 2, 2, 2], Heads = [1, 2, 4, 8],
        Cnn = Encoders.Encoders.Named("resnet18", width: 32),
    };

    /// <inheritdoc />
    public override SegmentationModel Create(DType type = DType.Float32) => new CsUnetModel(this, type);

    /// <inheritdoc />
    public override ModelOptions ForWeights() => this with { DropPath = 0 };

    /// <inheritdoc />
    internal override ModelOptions With(NetworkSettings settings) => this with
    {
        Window = settings.Window ?? Window, EmbedDim = settings.EmbedDim ?? EmbedDim, DropPath = settings.DropPath ?? DropPath,
        Mlp = settings.Mlp ?? Mlp, Cnn = settings.EncoderInsteadOf(Cnn),
        Depths = settings.Depths.Count == 0 ? Depths : settings.Depths, Heads = settings.Heads.Count == 0 ? Heads : settings.Heads,
    };

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        Require(Depths.Count == 4 && Depths.All(depth => depth is >= 1 and <= 100),
            $"depths {string.Join(',', Depths)}: four numbers from 1 to 100");
        Require(Heads.Count == 4 && Heads.All(heads => heads >= 1), $"heads {string.Join(',', Heads)}: four positive numbers");
        Require(EmbedDim is >= 1 and <= 4096, $"embedding {EmbedDim}: from 1 to 4096");
        for (int stage = 0; stage < 4; stage++)
            Require((EmbedDim << stage) % Heads[stage] == 0,
                $"heads {Heads[stage]} of stage {stage}: must divide its {EmbedDim << stage} channels");
        Require(Window is >= 2 and <= 64, $"window {Window}: from 2 to 64 tokens");
        Require(MlpRatio is >= 1 and <= 16, $"mlp ratio {MlpRatio}: from 1 to 16");
        Require(DropPath is >= 0 and < 1, $"drop path {DropPath}: from 0 to below 1");
        Cnn.Validate();
    }

    // The papers use window 7 at 224 pixels. It divides every stage exactly if the coarsest stage has a multiple of 7 tokens per side.
    private static int PreferredWindow(int height, int width) => height / 32 % 7 == 0 && width / 32 % 7 == 0 ? 7 : 8;
}
