using System.Text.Json;
using System.Text.Json.Serialization;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// Everything that determines the architecture of a segmentation network; stored with its weights. In JSON the property <c>kind</c> names
/// the network, <see cref="Kind"/>. Without it the options describe a CS-UNet: older files, from when that was the only network, have no
/// kind.
/// </summary>
/// <remarks>A custom network derives its options from this type, and registers them before its checkpoints are loaded.</remarks>
/// <example><code>
/// sealed record MyOptions : ModelOptions
/// {
///     public override string Kind => "my-network";
///     public override SegmentationModel Create(DType type = DType.Float32) => new MyNetwork(this, type);
/// }
/// ModelOptions.Register&lt;MyOptions&gt;("my-network");
/// </code></example>
[JsonConverter(typeof(Converter))]
public abstract record ModelOptions
{
    private static readonly KindTable<ModelOptions> s_kinds = new(
        "network", () => SegmentationModels.All.Select(preset => preset.Create(256, 256, 3)), options => options.Kind);

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        IgnoreReadOnlyProperties = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        AllowDuplicateProperties = false,
    };

    /// <summary>Input height in pixels, a multiple of 32.</summary>
    public required int Height { get; init; }

    /// <summary>Input width in pixels, a multiple of 32.</summary>
    public required int Width { get; init; }

    /// <summary>Number of classes.</summary>
    public int Classes { get; init; } = 3;

    /// <summary>The network's name in JSON.</summary>
    [JsonIgnore]
    public abstract string Kind { get; }

    /// <summary>Creates the network, with unset parameters; call <see cref="Nn.ModuleExtensions.Initialize"/> or load weights.</summary>
    /// <param name="type">Element type of parameters, images and logits.</param>
    /// <exception cref="ArgumentException">The options cannot be built.</exception>
    public abstract SegmentationModel Create(DType type = DType.Float32);

    /// <summary>These options with the settings of a run applied.</summary>
    /// <exception cref="ArgumentException">A value is not allowed.</exception>
    internal virtual ModelOptions With(NetworkSettings settings) => this;

    /// <summary>
    /// These options without settings that only training uses, such as DropPath. Networks that differ in nothing else can exchange weights.
    /// </summary>
    public virtual ModelOptions ForWeights() => this;

    /// <summary>Checks that the options can be built.</summary>
    /// <exception cref="ArgumentException">They cannot; the message names the option and its allowed values.</exception>
    public virtual void Validate()
    {
        Require(Height > 0 && Width > 0 && Height % 32 == 0 && Width % 32 == 0,
            $"size {Height}x{Width}: both sides must be positive multiples of 32");
        Require(Height <= 8192 && Width <= 8192, $"size {Height}x{Width}: at most 8192 pixels a side; larger images are cut into tiles");
        Require(Classes is >= 2 and <= 255, $"classes {Classes}: from 2 to 255");
    }

    /// <summary>The options as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    /// <summary>Reads options from text that <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="UnknownKindException">The kind of the network or of its encoder is not registered.</exception>
    /// <exception cref="JsonException">The text is not valid JSON of options.</exception>
    public static ModelOptions FromJson(string json) =>
        JsonSerializer.Deserialize<ModelOptions>(json, s_json) ?? throw new JsonException("model is null");

    /// <summary>Registers the options of a custom network, so that JSON and its checkpoints can be read.</summary>
    /// <typeparam name="TOptions">The network's options.</typeparam>
    /// <param name="kind">The network's <see cref="Kind"/>.</param>
    /// <exception cref="ArgumentException">Another type already has this kind.</exception>
    public static void Register<TOptions>(string kind) where TOptions : ModelOptions => s_kinds.Register(kind, typeof(TOptions));

    private protected static void Require(bool condition, string message)
    {
        if (!condition)
            throw new InvalidValueException(nameof(ModelOptions), message);
    }

    private sealed class Converter() : KindConverter<ModelOptions>(CsUnetOptions.Name)
    {
        protected override string KindOf(ModelOptions value) => value.Kind;

        protected override Type Find(string kind) => s_kinds.Find(kind);
    }
}
