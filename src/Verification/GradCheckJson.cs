using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CsUnet.Verification;

/// <summary>The JSON file of a gradient check.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(GradCheckFile))]
internal sealed partial class GradCheckJson : JsonSerializerContext
{
    // Later than Default, whose initialiser stands in a generated file.
    private static readonly Lazy<GradCheckJson> s_readable =
        new(() => new GradCheckJson(new JsonSerializerOptions(Default!.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));

    /// <summary>For a file that people read, too: + and non-ASCII letters stand as they are.</summary>
    public static GradCheckJson Readable => s_readable.Value;
}
