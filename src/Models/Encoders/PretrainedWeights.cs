using System.Globalization;
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
    private static readonly string[] s_places =
        ["", .. s_prefixes, .. s_prefixes.SelectMany(outer => s_prefixes.Select(inner => outer + inner))];

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
        PretrainedReport report = Map(encoder, file);
        Require(report, encoder, file);
        StateDict.Load(encoder, file, LoadingFor(report.Prefix));
        foreach ((string name, Tensor value) in StateDict.State(encoder))
        {
            if (!IsFinite(value))
                throw new WeightFileException(file.Path, $"{report.Prefix}{name} holds values that are not finite numbers",
                    "the file is damaged, or its training failed; get another one");
        }
        return report;
    }

    /// <summary>What <see cref="Load"/> would do with a file; refuses nothing and changes nothing.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="file">The weights.</param>
    public static PretrainedReport Map(Encoder encoder, WeightFile file)
    {
        string prefix = Prefix(encoder, file);
        StateReport report = StateDict.Compare(encoder, file, LoadingFor(prefix));
        List<string> outside = [.. file.Tensors.Select(tensor => tensor.Name)
            .Where(name => !name.StartsWith(prefix, StringComparison.Ordinal))];
        return new PretrainedReport(file.Path, file.Format, prefix, report.Loaded,
            [.. report.Ignored.Concat(outside.Where(IsSkipped)).Where(name => !Matches(BatchCounter, name))])
        {
            Missing = report.Missing, Unfit = report.Unfit,
            LeftOver = [.. report.LeftOver.Select(name => prefix + name), .. outside.Where(name => !IsSkipped(name))],
        };
    }

    private static StateLoading LoadingFor(string prefix) => new() { Prefix = prefix, Ignored = s_heads };

    /// <summary>The prefix under which the file has most names of the encoder; the shortest one of several.</summary>
    private static string Prefix(Encoder encoder, WeightFile file)
    {
        HashSet<string> names = [.. file.Tensors.Select(tensor => tensor.Name)];
        return s_places.MaxBy(prefix => encoder.State().Count(entry => names.Contains(prefix + entry.Name)))!;
    }

    private static void Require(PretrainedReport report, Encoder encoder, WeightFile file)
    {
        if (report.Fits)
            return;
        Dictionary<string, Shape> expected = encoder.State().ToDictionary(entry => entry.Name, entry => entry.FileShape);
        List<string> problems =
        [
            .. report.Unfit, .. report.Missing.Select(name => $"{report.Prefix}{name} {expected[name]} is missing"),
            .. report.LeftOver.Select(name => $"{name} {file.Find(name)!.Shape} is not in the encoder"),
        ];
        const int listed = 8;
        string rest = problems.Count > listed ? string.Create(CultureInfo.InvariantCulture, $", and {problems.Count - listed} more") : "";
        bool isWhole = report.Unfit.Count + report.Missing.Count == 0
            && report.LeftOver.All(name => !name.StartsWith(report.Prefix, StringComparison.Ordinal));
        throw new WeightFileException(file.Path,
            $"these are not the weights of this encoder: {string.Join("; ", problems.Take(listed))}{rest}",
            isWhole ? "the file holds a whole network; give one with the tensors of its encoder only"
                : "choose the encoder, the encoder_width and the encoder_layers that the file has");
    }

    private static bool IsSkipped(string name) => Matches(BatchCounter, name) || s_places.Any(place =>
        name.StartsWith(place, StringComparison.Ordinal) && s_heads.Any(head => Matches(head, name[place.Length..])));

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
