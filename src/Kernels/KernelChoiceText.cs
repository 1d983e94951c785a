using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CsUnet.Kernels;

/// <summary>The text of a file of kernel choices: a JSON object of the choices by call, and their checksum.</summary>
internal static class KernelChoiceText
{
    private const string Choices = "choices", Checksum = "sha256", Variant = "variant";

    private static readonly JsonSerializerOptions s_readable = new()
    {
        WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The text of choices.</summary>
    internal static byte[] Compose(IReadOnlyDictionary<string, KernelChoice> stored)
    {
        JsonObject choices = ToJson(stored);
        var file = new JsonObject { [Checksum] = SumOf(choices), [Choices] = choices };
        return Encoding.UTF8.GetBytes(file.ToJsonString(s_readable));
    }

    /// <summary>The choices of a text.</summary>
    /// <exception cref="FormatException">It is something else, or its checksum is wrong; the message says what.</exception>
    internal static Dictionary<string, KernelChoice> Parse(byte[] text)
    {
        var stored = new Dictionary<string, KernelChoice>(StringComparer.Ordinal);
        string? sum;
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            foreach (JsonProperty entry in document.RootElement.GetProperty(Choices).EnumerateObject())
                stored.Add(entry.Name, new KernelChoice(
                    entry.Value.GetProperty(Variant).GetString() ?? "",
                    entry.Value.EnumerateObject().Where(value => value.Name != Variant)
                        .ToDictionary(value => value.Name, value => value.Value.GetInt32())));
            sum = document.RootElement.GetProperty(Checksum).GetString();
        }
        catch (Exception failure) when (
            failure is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new FormatException("it is not a file of stored kernel choices with their checksum", failure);
        }
        return sum == SumOf(ToJson(stored)) ? stored : throw new FormatException("it is damaged, because its checksum is another");
    }

    private static JsonObject ToJson(IReadOnlyDictionary<string, KernelChoice> stored)
    {
        var json = new JsonObject();
        foreach ((string key, KernelChoice choice) in stored.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            var entry = new JsonObject { [Variant] = choice.Variant };
            foreach ((string name, int value) in choice.Values.OrderBy(value => value.Key, StringComparer.Ordinal))
                entry[name] = value;
            json[key] = entry;
        }
        return json;
    }

    /// <summary>The hash of the choices without spaces: how the file is laid out does not matter.</summary>
    private static string SumOf(JsonObject choices) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(choices.ToJsonString())));
}
