using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>The CNN encoders under their names in segmentation_models.pytorch, which NASA's published MicroNet weights use.</summary>
public static class Encoders
{
    /// <summary>Every encoder.</summary>
    public static IReadOnlyDictionary<string, EncoderOptions> All { get; } = new Dictionary<string, EncoderOptions>(StringComparer.Ordinal)
    {
        ["resnet18"] = new ResNetOptions(ResidualBlockKind.Basic, [2, 2, 2, 2]),
        ["resnet34"] = new ResNetOptions(ResidualBlockKind.Basic, [3, 4, 6, 3]),
        ["resnet50"] = new ResNetOptions(ResidualBlockKind.Bottleneck, [3, 4, 6, 3]),
        ["resnet101"] = new ResNetOptions(ResidualBlockKind.Bottleneck, [3, 4, 23, 3]),
        ["resnet152"] = new ResNetOptions(ResidualBlockKind.Bottleneck, [3, 8, 36, 3]),
    };

    /// <summary>The names, in the order of the table.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Keys];

    /// <summary>Finds an encoder by name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="width">Channels of the first stage; null: as published.</param>
    /// <exception cref="ArgumentException">The name is unknown (the message lists all names), or the encoder has a fixed width.</exception>
    public static EncoderOptions Named(string name, int? width = null)
    {
        if (!All.TryGetValue(name, out EncoderOptions? options))
            throw new InvalidValueException(
                nameof(name), $"encoder '{name}' is not known", remedy: $"use one of {string.Join(", ", Names)}");
        return width is { } channels ? options.WithWidth(channels) : options;
    }
}
