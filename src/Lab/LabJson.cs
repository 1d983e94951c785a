using System.Text.Json.Serialization;

namespace CsUnet.Lab;

/// <summary>The JSON files of the lab.</summary>
[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(List<Gpu>))]
internal sealed partial class LabJson : JsonSerializerContext;
