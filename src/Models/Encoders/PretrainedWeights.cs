using System.IO.Enumeration;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Weights;

namespace CsUnet.Models.Encoders;

/// <summary>
/// Loads public weights into an encoder. The names in the file are those of torchvision and segmentation_models.pytorch, which are the
/// encoder's own, possibly all with a prefix such as <c>encoder.</c>. The classifier that the weights were trained with is skipped.
/// </summary>
/// <example><code>
/// using WeightFile file = WeightFile.Open("resnet34.pth");
/// PretrainedReport report = PretrainedWeights.Load(network.Encoder!, file);
/// </code></example>
public static class PretrainedWeights
{
    private const string BatchCounter = "*num_batches_tracked";

    // The encoder's place in a larger network of torchvision, timm, segmentation_models.pytorch and this program.
    private static readonly string[] s_prefixes = ["encoder.", "backbone.", "cnn."];

    // The last layer of a classifier in torchvision, pretrainedmodels, timm.
    private static readonly string[] s_heads = ["fc.*", "last_linear.*", "classifier.*", "head.*"];

    /// <summary>Loads weights into an encoder on any device. Nothing changes unless every tensor fits.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="file">The weights.</param>
    /// <returns>What was loaded and what was skipped.</returns>
    /// <exception cref="WeightFileException">
    /// Tensors are missing, left over or of another shape, or a value is not a finite number. The message names the tensors.
    /// </exception>
    public static PretrainedReport Load(Encoder encoder, WeightFile file)
    {
        StateLoading loading = LoadingFor(encoder, file);
        StateReport report = StateDict.Load(encoder, file, loading);
        foreach ((string name, Tensor value) in StateDict.State(encoder))
        {
            if (!IsFinite(value))
                throw new WeightFileException(file.Path, $"{loading.Prefix}{name} holds values that are not finite numbers",
                    "the file is damaged, or its training failed; get another one");
        }
        return Describe(file, loading, report);
    }

    /// <summary>What <see cref="Load"/> would do with a file; refuses nothing and changes nothing.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="file">The weights.</param>
    public static PretrainedReport Map(Encoder encoder, WeightFile file)
    {
        StateLoading loading = LoadingFor(encoder, file);
        return Describe(file, loading, StateDict.Compare(encoder, file, loading));
    }

    private static PretrainedReport Describe(WeightFile file, StateLoading loading, StateReport report)
    {
        IEnumerable<string> outside = file.Tensors.Select(tensor => tensor.Name)
            .Where(name => !name.StartsWith(loading.Prefix, StringComparison.Ordinal));
        return new PretrainedReport(file.Path, file.Format, loading.Prefix, report.Loaded,
            [.. report.Ignored.Concat(outside).Where(name => !Matches(BatchCounter, name))])
        {
            Missing = report.Missing, LeftOver = report.LeftOver, Unfit = report.Unfit,
        };
    }

    private static StateLoading LoadingFor(Encoder encoder, WeightFile file) => new()
    {
        Prefix = Prefix(encoder, file), Ignored = s_heads,
        Remedy = "choose the encoder, the encoder_width and the encoder_layers that the file has",
    };

    /// <summary>The prefix of all names but those of the classifier. A name of the encoder itself has none.</summary>
    private static string Prefix(Encoder encoder, WeightFile file)
    {
        HashSet<string> own = [.. encoder.State().Select(entry => entry.Name)];
        string prefix = "";
        List<string> names = [.. file.Tensors.Select(tensor => tensor.Name).Where(name => !IsSkipped(name))];
        while (names.Count > 0 && !names.Exists(own.Contains)
            && s_prefixes.FirstOrDefault(next => names.TrueForAll(name => name.StartsWith(next, StringComparison.Ordinal))) is { } found)
        {
            prefix += found;
            names = [.. names.Select(name => name[found.Length..]).Where(name => !IsSkipped(name))];
        }
        return prefix;
    }

    private static bool IsSkipped(string name) => Matches(BatchCounter, name) || s_heads.Any(head => Matches(head, name));

    private static bool Matches(string pattern, string name) => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);

    private static bool IsFinite(Tensor value)
    {
        Tensor host = value.To(Device.Cpu);
        return host.DType == DType.Float64 ? AllFinite<double>(host) : AllFinite<float>(host.To(DType.Float32));
    }

    private static bool AllFinite<T>(Tensor tensor) where T : unmanaged, System.Numerics.INumberBase<T>
    {
        foreach (T value in tensor.AsSpan<T>())
        {
            if (!T.IsFinite(value))
                return false;
        }
        return true;
    }
}
