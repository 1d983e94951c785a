using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>A row of the network table.</summary>
/// <param name="Name">The name of the network.</param>
/// <param name="Create">Creates its options from input height and width in pixels and the number of classes.</param>
/// <param name="Settings">The names of the <see cref="NetworkSettings"/> that it accepts.</param>
public sealed record NetworkPreset(string Name, Func<int, int, int, ModelOptions> Create, IReadOnlyList<string> Settings)
{
    /// <summary>The options of the network, with settings applied.</summary>
    /// <param name="height">Input height, a multiple of 32.</param>
    /// <param name="width">Input width, a multiple of 32.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="settings">The differences from the preset; null: none.</param>
    /// <exception cref="ArgumentException">The options cannot be built, or the network does not have a setting.</exception>
    public ModelOptions With(int height, int width, int classes, NetworkSettings? settings = null)
    {
        settings ??= new NetworkSettings();
        if (settings.Given().FirstOrDefault(name => !Settings.Contains(name)) is { } unknown)
            throw new InvalidValueException(unknown, $"{unknown} is not an option of {Name}, which has {string.Join(", ", Settings)}");
        ModelOptions options = Create(height, width, classes).With(settings);
        options.Validate();
        return options;
    }
}
