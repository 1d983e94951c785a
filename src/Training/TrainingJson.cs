using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>The JSON files of a run.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RunRecord))]
[JsonSerializable(typeof(EvaluationFile))]
[JsonSerializable(typeof(RunContent.DataFile))]
[JsonSerializable(typeof(DatasetTable))]
internal sealed partial class TrainingJson : JsonSerializerContext
{
    // Created lazily, after Default: a generated file initialises Default.
    private static readonly Lazy<TrainingJson> s_readable =
        new(() => new TrainingJson(new JsonSerializerOptions(Default!.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));

    /// <summary>For files that people read and that are never embedded in HTML: does not escape + and non-ASCII letters.</summary>
    public static TrainingJson Readable => s_readable.Value;
}
