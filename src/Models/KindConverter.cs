using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace CsUnet.Models;

/// <summary>
/// Converts options of several types to and from JSON. The property <c>kind</c>, written first, names the type. Files from before a second
/// kind existed do not have it.
/// </summary>
/// <typeparam name="TOptions">The base type of all options.</typeparam>
/// <param name="kindIfAbsent">The kind if the text names none.</param>
internal abstract class KindConverter<TOptions>(string kindIfAbsent) : JsonConverter<TOptions> where TOptions : class
{
    private const string Key = "kind";

    /// <summary>The kind of a value.</summary>
    protected abstract string KindOf(TOptions value);

    /// <summary>Finds the type of a kind.</summary>
    /// <exception cref="UnknownKindException">The kind is not registered.</exception>
    protected abstract Type Find(string kind);

    /// <inheritdoc />
    public override TOptions? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (JsonNode.Parse(ref reader) is not JsonObject properties)
            throw new JsonException("expected an object");
        string kind = kindIfAbsent;
        if (properties.TryGetPropertyValue(Key, out JsonNode? named))
            kind = named is JsonValue value && value.TryGetValue(out string? text)
                ? text
                : throw new JsonException($"{Key} is not a string");
        properties.Remove(Key);
        return (TOptions?)properties.Deserialize(Find(kind), options);
    }

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, TOptions value, JsonSerializerOptions options)
    {
        JsonObject properties = JsonSerializer.SerializeToNode(value, value.GetType(), options)!.AsObject();
        writer.WriteStartObject();
        writer.WriteString(Key, KindOf(value));
        foreach ((string name, JsonNode? property) in properties.Where(property => property.Key != Key))
        {
            writer.WritePropertyName(name);
            if (property is null)
                writer.WriteNullValue();
            else
                property.WriteTo(writer, options);
        }
        writer.WriteEndObject();
    }
}
