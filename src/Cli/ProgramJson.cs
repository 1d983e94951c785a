using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace CsUnet.Cli;

/// <summary>The JSON files of <c>bench step</c>, <c>lab bench</c> and <c>lab project</c>. Entries that do not apply are left out.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JsonFiles.StepFile))]
[JsonSerializable(typeof(JsonFiles.LabFile))]
[JsonSerializable(typeof(JsonFiles.ProjectionFile))]
internal sealed partial class ProgramJson : JsonSerializerContext
{
    // Created lazily, after Default: a generated file initialises Default.
    private static readonly Lazy<ProgramJson> s_readable =
        new(() => new ProgramJson(new JsonSerializerOptions(Default!.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));

    /// <summary>People read these files too: does not escape + and non-ASCII letters.</summary>
    public static ProgramJson Readable => s_readable.Value;

    /// <summary>The current time in UTC, to the second.</summary>
    public static string Now => DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    /// <summary>Serialises a file as text.</summary>
    public static string Text<T>(T file, JsonTypeInfo<T> type) => JsonSerializer.Serialize(file, type) + "\n";
}
