namespace CsUnet.Models.Networks;

/// <summary>A row of the table of networks.</summary>
/// <param name="Name">The network's name.</param>
/// <param name="Create">Its options for a height and width of the input in pixels and a number of classes.</param>
/// <param name="Settings">The names of the <see cref="NetworkSettings"/> that it takes.</param>
public sealed record NetworkPreset(string Name, Func<int, int, int, ModelOptions> Create, IReadOnlyList<string> Settings)
{
    /// <summary>The options of the network, changed by settings.</summary>
    /// <param name="height">Input height, a multiple of 32.</param>
    /// <param name="width">Input width, a multiple of 32.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="settings">What is different from the preset; null: nothing.</param>
    /// <exception cref="ArgumentException">The options cannot be built, or a setting is none of this network.</exception>
    public ModelOptions With(int height, int width, int classes, NetworkSettings? settings = null)
    {
        settings ??= new NetworkSettings();
        if (settings.Given().FirstOrDefault(name => !Settings.Contains(name)) is { } unknown)
            throw new ArgumentException($"{unknown} is not an option of {Name}, which has {string.Join(", ", Settings)}");
        ModelOptions options = Create(height, width, classes).With(settings);
        options.Validate();
        return options;
    }
}
