using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>A ResNet (He et al. 2016) as an encoder.</summary>
/// <param name="Block">Kind of residual block.</param>
/// <param name="Layers">Blocks per stage, four numbers.</param>
/// <param name="Width">Channels of the stem and the first stage; 64 in the paper.</param>
public sealed record ResNetOptions(ResidualBlockKind Block, IReadOnlyList<int> Layers, int Width = 64) : EncoderOptions
{
    /// <summary>The kind of these options in JSON.</summary>
    public const string Family = "resnet";

    /// <inheritdoc />
    public override string Kind => Family;

    /// <summary>Channels of the features at strides 4, 8, 16, 32.</summary>
    public IReadOnlyList<int> Channels =>
        [.. Enumerable.Range(0, 4).Select(stage => (Width << stage) * (Block == ResidualBlockKind.Bottleneck ? 4 : 1))];

    /// <inheritdoc />
    public override Encoder Create(DType type) => new ResNet(this, type);

    /// <inheritdoc />
    public override EncoderOptions WithWidth(int width) => this with { Width = width };

    /// <inheritdoc />
    public override EncoderOptions WithLayers(IReadOnlyList<int> layers) => this with { Layers = layers };

    /// <inheritdoc />
    public override void Validate()
    {
        if (Layers.Count != 4 || !Layers.All(layers => layers is >= 1 and <= 100))
            throw new InvalidValueException(nameof(Layers), $"encoder layers {string.Join(',', Layers)}: four numbers from 1 to 100");
        if (Width is < 1 or > 1024)
            throw new InvalidValueException(nameof(Width), $"encoder width {Width}: from 1 to 1024");
    }
}
