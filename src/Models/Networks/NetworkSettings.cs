using CsUnet.Models.Encoders;

namespace CsUnet.Models.Networks;

/// <summary>
/// Settings by which a run changes a network's preset; unset ones keep the preset's value. No network accepts all of them.
/// </summary>
public sealed record NetworkSettings
{
    /// <summary>Attention window in tokens.</summary>
    public int? Window { get; init; }

    /// <summary>Channels of the first Swin stage.</summary>
    public int? EmbedDim { get; init; }

    /// <summary>Swin blocks per stage; empty: not set.</summary>
    public IReadOnlyList<int> Depths { get; init; } = [];

    /// <summary>Attention heads per stage; empty: not set.</summary>
    public IReadOnlyList<int> Heads { get; init; } = [];

    /// <summary>The MLP of the Swin blocks.</summary>
    public MlpKind? Mlp { get; init; }

    /// <summary>Largest DropPath probability.</summary>
    public double? DropPath { get; init; }

    /// <summary>CNN encoder, one of <see cref="Encoders.Encoders.Names"/>.</summary>
    public string? Encoder { get; init; }

    /// <summary>Channels of the CNN's first stage; unset: the preset's, or as published if an encoder is named.</summary>
    public int? EncoderWidth { get; init; }

    /// <summary>Blocks of each stage of the CNN encoder; empty: those of the encoder.</summary>
    public IReadOnlyList<int> EncoderLayers { get; init; } = [];

    private static readonly (string Name, Func<NetworkSettings, bool> IsSet)[] s_all =
    [
        ("window", settings => settings.Window is not null), ("embed_dim", settings => settings.EmbedDim is not null),
        ("depths", settings => settings.Depths.Count > 0), ("heads", settings => settings.Heads.Count > 0),
        ("mlp", settings => settings.Mlp is not null), ("drop_path", settings => settings.DropPath is not null),
        ("encoder", settings => settings.Encoder is not null), ("encoder_width", settings => settings.EncoderWidth is not null),
        ("encoder_layers", settings => settings.EncoderLayers.Count > 0),
    ];

    /// <summary>The names of all settings, as written in config.yaml.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_all.Select(setting => setting.Name)];

    /// <summary>The names of the settings that are set.</summary>
    public IEnumerable<string> Given() => s_all.Where(setting => setting.IsSet(this)).Select(setting => setting.Name);

    /// <summary>The encoder that replaces the preset's.</summary>
    /// <exception cref="ArgumentException">The encoder does not exist, or it has a fixed width or fixed blocks.</exception>
    internal EncoderOptions EncoderInsteadOf(EncoderOptions preset)
    {
        EncoderOptions options = Encoder is null ? preset : Encoders.Encoders.Named(Encoder);
        if (EncoderWidth is { } width)
            options = options.WithWidth(width);
        return EncoderLayers.Count == 0 ? options : options.WithLayers(EncoderLayers);
    }
}
