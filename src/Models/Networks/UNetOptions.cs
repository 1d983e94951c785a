using CsUnet.Models.Encoders;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>Everything that determines the architecture of a <see cref="UNet"/>.</summary>
public sealed record UNetOptions : ModelOptions
{
    /// <summary>The kind of these options in JSON.</summary>
    public const string Name = "unet";

    /// <summary>The settings that a run may change.</summary>
    public static IReadOnlyList<string> Settings { get; } = ["encoder", "encoder_width", "encoder_layers"];

    /// <summary>The encoder.</summary>
    public EncoderOptions Encoder { get; init; } = Encoders.Encoders.Named("resnet34");

    /// <summary>Channels of the decoder's blocks, deepest first; one entry per feature of the encoder.</summary>
    public IReadOnlyList<int> DecoderChannels { get; init; } = [256, 128, 64, 32, 16];

    /// <inheritdoc />
    public override string Kind => Name;

    /// <summary>The network with its default encoder.</summary>
    public static UNetOptions Create(int height, int width, int classes) => new() { Height = height, Width = width, Classes = classes };

    /// <inheritdoc />
    public override SegmentationModel Create(DType type = DType.Float32) => new UNet(this, type);

    /// <inheritdoc />
    internal override ModelOptions With(NetworkSettings settings) => this with { Encoder = settings.EncoderInsteadOf(Encoder) };

    /// <inheritdoc />
    public override void Validate()
    {
        base.Validate();
        Require(DecoderChannels.Count is >= 1 and <= 8 && DecoderChannels.All(channels => channels is >= 1 and <= 4096),
            $"decoder channels {string.Join(',', DecoderChannels)}: one number from 1 to 4096 for each feature of the encoder");
        Encoder.Validate();
    }
}
