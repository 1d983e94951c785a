namespace CsUnet.Models.Encoders;

/// <summary>The ResNet-family encoder beside the Swin encoder.</summary>
/// <param name="Block">Kind of residual block.</param>
/// <param name="Layers">Blocks per stage, four numbers.</param>
/// <param name="Width">Channels of the stem and the first stage; 64 in the papers.</param>
public sealed record ResNetOptions(ResidualBlockKind Block, IReadOnlyList<int> Layers, int Width = 64)
{
    /// <summary>Channels of the features at strides 4, 8, 16, 32.</summary>
    public IReadOnlyList<int> Channels =>
        [.. Enumerable.Range(0, 4).Select(stage => (Width << stage) * (Block == ResidualBlockKind.Bottleneck ? 4 : 1))];

    /// <summary>A ResNet by name, resnet18 to resnet152.</summary>
    /// <exception cref="ArgumentException">There is no such encoder; the message lists those there are.</exception>
    public static ResNetOptions Named(string name, int width = 64) => name switch
    {
        "resnet18" => new(ResidualBlockKind.Basic, [2, 2, 2, 2], width),
        "resnet34" => new(ResidualBlockKind.Basic, [3, 4, 6, 3], width),
        "resnet50" => new(ResidualBlockKind.Bottleneck, [3, 4, 6, 3], width),
        "resnet101" => new(ResidualBlockKind.Bottleneck, [3, 4, 23, 3], width),
        "resnet152" => new(ResidualBlockKind.Bottleneck, [3, 8, 36, 3], width),
        _ => throw new ArgumentException($"encoder '{name}' is not known; use resnet18, resnet34, resnet50, resnet101 or resnet152"),
    };
}
