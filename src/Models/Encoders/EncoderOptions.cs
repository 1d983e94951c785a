using System.Text.Json.Serialization;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>
/// Everything that determines the architecture of an encoder; stored with the weights of its network. In JSON the property <c>kind</c>
/// names the family, <see cref="Kind"/>; without it the options describe a ResNet.
/// </summary>
[JsonConverter(typeof(Converter))]
public abstract record EncoderOptions
{
    private static readonly KindTable<EncoderOptions> s_kinds = new("encoder", () => Encoders.All.Values, options => options.Kind);

    /// <summary>The family's name in JSON.</summary>
    [JsonIgnore]
    public abstract string Kind { get; }

    /// <summary>Creates the encoder, with unset parameters.</summary>
    /// <param name="type">Element type.</param>
    /// <exception cref="ArgumentException">The options cannot be built.</exception>
    public abstract Encoder Create(DType type);

    /// <summary>These options with another width: the channels of the first stage. The other stages have multiples of it.</summary>
    /// <exception cref="ArgumentException">Encoders of this family have a fixed width.</exception>
    public virtual EncoderOptions WithWidth(int width) =>
        throw new InvalidValueException(nameof(width), $"encoder width {width}: encoders of the family {Kind} come in one width",
            remedy: "leave it out");

    /// <summary>These options with other numbers of blocks, one for each stage.</summary>
    /// <exception cref="ArgumentException">The blocks of this family are fixed.</exception>
    public virtual EncoderOptions WithLayers(IReadOnlyList<int> layers) =>
        throw new InvalidValueException(nameof(layers), $"encoder layers {string.Join(',', layers)}: the blocks of the family {Kind} are "
            + "fixed", remedy: "leave them out");

    /// <summary>Checks that the options can be built.</summary>
    /// <exception cref="ArgumentException">They cannot; the message names the option and its allowed values.</exception>
    public virtual void Validate()
    {
    }

    /// <summary>Registers the options of a custom encoder, so that JSON and the checkpoints of networks with it can be read.</summary>
    /// <typeparam name="TOptions">The encoder's options.</typeparam>
    /// <param name="kind">The encoder's <see cref="Kind"/>.</param>
    /// <exception cref="ArgumentException">Another type already has this kind.</exception>
    public static void Register<TOptions>(string kind) where TOptions : EncoderOptions => s_kinds.Register(kind, typeof(TOptions));

    private sealed class Converter() : KindConverter<EncoderOptions>(ResNetOptions.Family)
    {
        protected override string KindOf(EncoderOptions value) => value.Kind;

        protected override Type Find(string kind) => s_kinds.Find(kind);
    }
}
