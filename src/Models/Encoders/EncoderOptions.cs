using System.Text.Json.Serialization;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>
/// Everything that determines the architecture of an encoder; stored with the weights of the network that it is part of. In JSON the
/// property <c>kind</c> names the family, <see cref="Kind"/>; without it they are a ResNet's.
/// </summary>
[JsonConverter(typeof(Converter))]
public abstract record EncoderOptions
{
    private static readonly KindTable<EncoderOptions> s_kinds = new("encoder", () => Encoders.All.Values, options => options.Kind);

    /// <summary>The family's name in JSON.</summary>
    [JsonIgnore]
    public abstract string Kind { get; }

    /// <summary>The encoder with unset parameters.</summary>
    /// <param name="type">Element type.</param>
    /// <exception cref="ArgumentException">The options cannot be built.</exception>
    public abstract Encoder Create(DType type);

    /// <summary>These options with another width: the channels of the first stage, of which those of the others are multiples.</summary>
    /// <exception cref="ArgumentException">Encoders of this family come in one width.</exception>
    public virtual EncoderOptions WithWidth(int width) =>
        throw new ArgumentException($"encoder width {width}: encoders of the family {Kind} come in one width; leave it out");

    /// <summary>Checks that the options can be built.</summary>
    /// <exception cref="ArgumentException">They cannot; the message says which option, and what it may be.</exception>
    public virtual void Validate()
    {
    }

    /// <summary>Makes an encoder of one's own readable from JSON, and so from the checkpoints of networks with it.</summary>
    /// <typeparam name="TOptions">Its options.</typeparam>
    /// <param name="kind">Its <see cref="Kind"/>.</param>
    /// <exception cref="ArgumentException">The kind is another type's.</exception>
    public static void Register<TOptions>(string kind) where TOptions : EncoderOptions => s_kinds.Register(kind, typeof(TOptions));

    private sealed class Converter() : KindConverter<EncoderOptions>(ResNetOptions.Family)
    {
        protected override string KindOf(EncoderOptions value) => value.Kind;

        protected override Type Find(string kind) => s_kinds.Find(kind);
    }
}
