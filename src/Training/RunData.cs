using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>Opens the data set of a run.</summary>
public static class RunData
{
    /// <summary>The value of <see cref="TrainingOptions.Data"/> that asks for synthetic micrographs by name.</summary>
    public const string SyntheticName = "synthetic";

    private const int SyntheticSize = 256, SyntheticTrainImages = 16, SyntheticOtherImages = 4;

    /// <summary>Whether a run trains on synthetic micrographs.</summary>
    public static bool IsSynthetic(TrainingOptions options) => options.Data is null or SyntheticName;

    /// <summary>The data of a run, for people: the folder, or that they are synthetic.</summary>
    public static string Describe(TrainingOptions options) => IsSynthetic(options) ? "synthetic micrographs" : options.Data!;

    /// <summary>
    /// The class map of a run: the one that <see cref="TrainingOptions.Classes"/> names, or that of the synthetic micrographs.
    /// </summary>
    /// <exception cref="OptionException">There is a data set but no class map.</exception>
    /// <exception cref="DataException">The class map's file is missing or invalid.</exception>
    public static ClassMap ClassMap(TrainingOptions options)
    {
        if (options.Classes is { } classes)
            return Data.ClassMap.Load(classes);
        if (!IsSynthetic(options))
        {
            throw new OptionException("classes", $"is not set, but the data set {options.Data} needs it",
                $"{string.Join(", ", Data.ClassMap.BuiltIn.Select(map => map.Name))}, or a YAML file");
        }
        return Data.ClassMap.NasaSuper;
    }

    /// <summary>Opens one split and checks all of its files.</summary>
    /// <param name="options">The run's options.</param>
    /// <param name="split">train, val or test.</param>
    /// <param name="intensity">
    /// How samples become levels: for training images null, which finds it by <see cref="TrainingOptions.Intensity"/>; for the other images
    /// of the run the <see cref="MicrographDataset.Intensity"/> of the training images, which the weights of the run hold as well.
    /// </param>
    /// <param name="classMap">The class map; null: the one of the options.</param>
    /// <exception cref="DataException">Files are missing or invalid; the message lists every problem.</exception>
    /// <exception cref="OptionException">The options ask for a subset or a range of the synthetic micrographs.</exception>
    public static MicrographDataset Open(TrainingOptions options, string split, IntensityScale? intensity, ClassMap? classMap = null)
    {
        if (IsSynthetic(options))
            return Synthetic(options, split);
        IReadOnlyList<string>? subset = split == "train" && options.Subset.Count > 0 ? options.Subset : null;
        // Two splits are open during a training; larger ones are read on demand.
        long memoryLimit = Math.Min(2_000_000_000, MachineMemory.Limit() / 8);
        return MicrographDataset.Open(options.Data!, split, classMap ?? ClassMap(options), subset, memoryLimit,
            options.Intensity, intensity);
    }

    /// <summary>Opens the validation split; null if the data set on disk has none.</summary>
    /// <param name="options">The run's options.</param>
    /// <param name="intensity">How samples become levels: as for the training images.</param>
    /// <param name="classMap">The class map; null: the one of the options.</param>
    /// <exception cref="DataException">Files are missing or invalid; the message lists every problem.</exception>
    public static MicrographDataset? OpenValidation(TrainingOptions options, IntensityScale? intensity, ClassMap? classMap = null) =>
        !IsSynthetic(options) && !Directory.Exists(Path.Combine(options.Data!, "val")) ? null : Open(options, "val", intensity, classMap);

    private static MicrographDataset Synthetic(TrainingOptions options, string split)
    {
        if (options.Subset.Count > 0)
            throw new OptionException("subset", "names training images of a data set, but data is not set",
                "none for the synthetic micrographs");
        if (options.Intensity != IntensityRule.Auto && options.Intensity != IntensityRule.Full)
            throw new OptionException("intensity", $"is '{options.Intensity}', but data is not set",
                $"{IntensityRule.Auto} for the synthetic micrographs");
        // The images do not depend on the run's seed, so runs with different seeds can be compared.
        const ulong seed = 1;
        int count = split == "train" ? SyntheticTrainImages : SyntheticOtherImages;
        return SyntheticMicrographs.CreateDataset(
            split, count, Math.Max(SyntheticSize, options.Height), Math.Max(SyntheticSize, options.Width), seed);
    }
}
