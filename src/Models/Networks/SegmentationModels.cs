using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>The networks by name.</summary>
public static class SegmentationModels
{
    /// <summary>Every network.</summary>
    public static IReadOnlyList<NetworkPreset> All { get; } =
    [
        new("cs-unet-tiny", CsUnetOptions.Tiny, CsUnetOptions.Settings),
        new("cs-unet-lite", CsUnetOptions.Lite, CsUnetOptions.Settings),
        new("cs-unet-mini", CsUnetOptions.Mini, CsUnetOptions.Settings),
        new("unet", UNetOptions.Create, UNetOptions.Settings),
    ];

    /// <summary>The names, in the order of the table.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(preset => preset.Name)];

    /// <summary>Finds a row of the table.</summary>
    /// <exception cref="ArgumentException">The name is unknown; the message lists the known names.</exception>
    public static NetworkPreset Named(string name) => All.FirstOrDefault(preset => preset.Name == name)
        ?? throw new InvalidValueException(nameof(name), $"model '{name}' is not known", remedy: $"use one of {string.Join(", ", Names)}");

    /// <summary>The options of a network.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="height">Input height, a multiple of 32.</param>
    /// <param name="width">Input width, a multiple of 32.</param>
    /// <param name="classes">Number of classes.</param>
    /// <exception cref="ArgumentException">The name is unknown, or the size is not allowed.</exception>
    public static ModelOptions Preset(string name, int height, int width, int classes) => Named(name).With(height, width, classes);
}
