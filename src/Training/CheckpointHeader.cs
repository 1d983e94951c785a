using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using CsUnet.Data;
using CsUnet.Models;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>The header of a weight file: everything that prediction needs besides the weights.</summary>
/// <param name="Model">The architecture.</param>
/// <param name="ClassMap">The classes, their colours, and how annotations encode them.</param>
/// <param name="Normalisation">How images are normalised for the network.</param>
/// <param name="Step">Training steps that produced the weights.</param>
/// <param name="Program">Version of the program that wrote the file.</param>
/// <param name="StateFile">Name of the matching optimiser state in the same folder; null if there is none.</param>
public sealed record CheckpointHeader(
    ModelOptions Model, ClassMap ClassMap, Normalisation Normalisation, int Step, string Program, string? StateFile = null)
{
    /// <summary>How the samples of image files become levels, found over the training images. Older files hold none: the full range.
    /// </summary>
    public IntensityScale Intensity { get; init; } = IntensityScale.Full;

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        IgnoreReadOnlyProperties = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        AllowDuplicateProperties = false,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>The run that wrote the file; null if an older version wrote it, or no run.</summary>
    public RunIdentity? Identity { get; init; }

    /// <summary>The version of this program.</summary>
    public static string ThisProgram { get; } = "csunet "
        + (typeof(CheckpointHeader).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "unknown");

    /// <summary>The header as safetensors metadata.</summary>
    public IReadOnlyDictionary<string, string> ToMetadata()
    {
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "pt",
            ["program"] = Program,
            ["step"] = Step.ToString(CultureInfo.InvariantCulture),
            ["model"] = Model.ToJson(),
            ["classes"] = ClassMap.ToYaml(),
            ["normalisation"] = JsonSerializer.Serialize(Normalisation, s_json),
        };
        if (Intensity.Ranges.Count > 0)
            metadata["intensity"] = Intensity.ToText();
        if (StateFile is not null)
            metadata["optimizer_state"] = StateFile;
        Identity?.AddTo(metadata);
        return metadata;
    }

    /// <summary>Reads the header of the weight file at a path.</summary>
    /// <exception cref="WeightFileException">The file is missing or damaged, or <see cref="Of"/> refuses it.</exception>
    public static CheckpointHeader Read(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Read(path);
        return Of(file);
    }

    /// <summary>Reads the header of a weight file.</summary>
    /// <exception cref="WeightFileException">
    /// No training run wrote the file, its header is damaged, or the kind of its network is not registered.
    /// </exception>
    public static CheckpointHeader Of(SafetensorsFile file)
    {
        string Entry(string key) => file.Metadata.TryGetValue(key, out string? value)
            ? value
            : throw new WeightFileException(file.Path, $"its metadata has no '{key}'",
                "give a weight file of a training run, such as its last.safetensors");
        string program = Entry("program"), model = Entry("model"), classes = Entry("classes"), normalisation = Entry("normalisation"),
            step = Entry("step");
        string writer = $"it was written by {PlainText.Short(program, 80)}, this is {ThisProgram}";
        T Part<T>(string key, Func<T> parse) => ReadFile.Parse(file.Path, $"its metadata is not understood: {key}", parse, problem =>
            problem.Cause is UnknownKindException unknown
                ? new WeightFileException(file.Path, unknown.Message,
                    $"{writer}; the kind of one's own network or encoder is registered by {nameof(ModelOptions)}."
                    + $"{nameof(ModelOptions.Register)} or {nameof(EncoderOptions)}.{nameof(EncoderOptions.Register)}", unknown)
                : new WeightFileException(file.Path, problem.Problem, writer, problem.Cause));
        return new CheckpointHeader(
            Part("model", () =>
            {
                ModelOptions options = ModelOptions.FromJson(model);
                options.Validate();
                return options;
            }),
            Part("classes", () => ClassMap.FromYaml(classes, "classes")),
            Part("normalisation", () => JsonSerializer.Deserialize<Normalisation>(normalisation, s_json)
                ?? throw new JsonException("it is null")),
            Part("step", () => int.Parse(step, NumberStyles.None, CultureInfo.InvariantCulture)), program,
            file.Metadata.GetValueOrDefault("optimizer_state"))
        {
            Identity = RunIdentity.Of(file),
            Intensity = file.Metadata.GetValueOrDefault("intensity") is { } intensity
                ? Part("intensity", () => IntensityScale.Parse(intensity)) : IntensityScale.Full,
        };
    }
}
