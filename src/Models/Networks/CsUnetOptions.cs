using CsUnet.Models.Encoders;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>Everything that determines the architecture of a CS-UNet; stored with its weights.</summary>
public sealed record CsUnetOptions
{
    /// <summary>Input height in pixels, a multiple of 32.</summary>
    public required int Height { get; init; }

    /// <summary>Input width in pixels, a multiple of 32.</summary>
    public required int Width { get; init; }

    /// <summary>Number of classes.</summary>
    public int Classes { get; init; } = 3;

    /// <summary>E, the channels of the first Swin stage.</summary>
    public int EmbedDim { get; init; } = 96;

    /// <summary>Swin blocks per encoder stage; the decoder mirrors them.</summary>
    public IReadOnlyList<int> Depths { get; init; } = [2, 2, 6, 2];

    /// <summary>Attention heads per stage.</summary>
    public IReadOnlyList<int> Heads { get; init; } = [3, 6, 12, 24];

    /// <summary>Attention window in tokens; a stage whose smaller side is not larger uses that side, unshifted.</summary>
    public int Window { get; init; } = 7;

    /// <summary>Hidden width of the MLP over its input width.</summary>
    public int MlpRatio { get; init; } = 4;

    /// <summary>The MLP of the Swin blocks.</summary>
    public MlpKind Mlp { get; init; } = MlpKind.ResMlp;

    /// <summary>Largest probability of DropPath; it rises linearly over the blocks from 0.</summary>
    public double DropPath { get; init; } = 0.1;

    /// <summary>The CNN encoder.</summary>
    public ResNetOptions Cnn { get; init; } = ResNetOptions.Named("resnet50");

    /// <summary>Names of the presets.</summary>
    public static IReadOnlyList<string> Presets { get; } = ["cs-unet-tiny", "cs-unet-lite", "cs-unet-mini"];

    /// <summary>A preset at an input size.</summary>
    /// <param name="name">cs-unet-tiny, cs-unet-lite or cs-unet-mini.</param>
    /// <param name="height">Input height, a multiple of 32.</param>
    /// <param name="width">Input width, a multiple of 32.</param>
    /// <param name="classes">Number of classes.</param>
    /// <exception cref="ArgumentException">The name is not known, or the size not possible.</exception>
    public static CsUnetOptions Preset(string name, int height, int width, int classes)
    {
        // 7 is the window of the 224-pixel papers; it divides every stage exactly when the coarsest has a multiple of 7 tokens a side.
        int window = height / 32 % 7 == 0 && width / 32 % 7 == 0 ? 7 : 8;
        CsUnetOptions options = name switch
        {
            "cs-unet-tiny" => new() { Height = height, Width = width, Classes = classes, Window = window },
            "cs-unet-lite" => new() { Height = height, Width = width, Classes = classes, Window = window, Depths = [2, 2, 2, 2] },
            "cs-unet-mini" => new()
            {
                Height = height, Width = width, Classes = classes, Window = 8, EmbedDim = 32, Depths = [2, 2, 2, 2],
                Heads = [1, 2, 4, 8], Cnn = ResNetOptions.Named("resnet18", width: 32),
            },
            _ => throw new ArgumentException($"model '{name}' is not known; use {string.Join(", ", Presets)}"),
        };
        options.Validate();
        return options;
    }

    /// <summary>
    /// A lower bound of the number of parameters, without building anything: matrices and bias tables of the Swin blocks, and one 3x3
    /// convolution per residual block. A network that is refused by it could not have been built.
    /// </summary>
    public long LeastParameters()
    {
        long count = 0;
        for (int stage = 0; stage < 4; stage++)
        {
            long channels = (long)EmbedDim << stage, width = (long)Cnn.Width << stage;
            // The decoder mirrors all stages but the deepest.
            long blocks = Depths[stage] * (stage == 3 ? 1L : 2L);
            long window = Math.Min(Window, Math.Min(Height, Width) / (4 << stage)), offsets = 2 * window - 1;
            // qkv, proj, fc1, fc2, and fc3 of the residual MLP.
            long matrices = (4 + 2 * MlpRatio + (Mlp == MlpKind.ResMlp ? 1 : 0)) * channels * channels;
            count += blocks * (matrices + offsets * offsets * Heads[stage]) + Cnn.Layers[stage] * 9 * width * width;
        }
        return count;
    }

    /// <summary>
    /// Refuses what could not be trained on this machine before memory is asked for: the system would grant it and then end the process.
    /// </summary>
    /// <param name="batch">Images per step.</param>
    /// <param name="available">Bytes of memory; null: this machine's.</param>
    /// <exception cref="InvalidValueException">A step needs more.</exception>
    public void RequireMemory(int batch, long? available = null)
    {
        // Weights, gradients and two moments; the images and the two largest activations. Float32 throughout.
        double pixels = (double)batch * Height * Width;
        double least = 4.0 * (4 * (double)LeastParameters() + pixels * (3 + 2 * EmbedDim));
        double present = available ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (least > present)
        {
            throw new InvalidValueException(nameof(batch),
                $"a step needs at least {ProblemText.Memory(least)} of memory; {ProblemText.Memory(present)} are available",
                remedy: "take a smaller batch, size or model");
        }
    }

    /// <summary>Checks that the options can be built.</summary>
    /// <exception cref="ArgumentException">They cannot; the message says which option, and what it may be.</exception>
    public void Validate()
    {
        static void Require(bool condition, string message)
        {
            if (!condition)
                throw new ArgumentException(message);
        }
        Require(Height > 0 && Width > 0 && Height % 32 == 0 && Width % 32 == 0,
            $"size {Height}x{Width}: both sides must be positive multiples of 32");
        Require(Height <= 8192 && Width <= 8192, $"size {Height}x{Width}: at most 8192 pixels a side; larger images are cut into tiles");
        Require(Classes is >= 2 and <= 255, $"classes {Classes}: from 2 to 255");
        Require(Depths.Count == 4 && Depths.All(depth => depth is >= 1 and <= 100), $"depths {string.Join(',', Depths)}: four numbers from 1 to 100");
        Require(Heads.Count == 4 && Heads.All(heads => heads >= 1), $"heads {string.Join(',', Heads)}: four positive numbers");
        Require(EmbedDim is >= 1 and <= 4096, $"embedding {EmbedDim}: from 1 to 4096");
        for (int stage = 0; stage < 4; stage++)
            Require((EmbedDim << stage) % Heads[stage] == 0,
                $"heads {Heads[stage]} of stage {stage}: must divide its {EmbedDim << stage} channels");
        Require(Window is >= 2 and <= 64, $"window {Window}: from 2 to 64 tokens");
        Require(MlpRatio is >= 1 and <= 16, $"mlp ratio {MlpRatio}: from 1 to 16");
        Require(DropPath is >= 0 and < 1, $"drop path {DropPath}: from 0 to below 1");
        Require(Cnn.Layers.Count == 4 && Cnn.Layers.All(layers => layers is >= 1 and <= 100), $"cnn layers {string.Join(',', Cnn.Layers)}: four numbers from 1 to 100");
        Require(Cnn.Width is >= 1 and <= 1024, $"cnn width {Cnn.Width}: from 1 to 1024");
    }
}
