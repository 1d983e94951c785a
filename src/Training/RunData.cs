using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>Opens the data set of a run.</summary>
public static class RunData
{
    private const int SyntheticSize = 256, SyntheticTrainImages = 16, SyntheticOtherImages = 4;

    /// <summary>
    /// The class map of a run: the one that <see cref="TrainingOptions.Classes"/> names, or that of the synthetic micrographs.
    /// </summary>
    /// <exception cref="OptionException">There is a data set but no class map.</exception>
    /// <exception cref="DataException">The class map's file is missing or invalid.</exception>
    public static ClassMap ClassMap(TrainingOptions options)
    {
        if (options.Classes is { } classes)
            return Data.ClassMap.Load(classes);
        if (options.Data is not null)
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
        if (options.Data is not { } directory)
            return Synthetic(options, split);
        IReadOnlyList<string>? subset = split == "train" && options.Subset.Count > 0 ? options.Subset : null;
        return MicrographDataset.Open(directory, split, classMap ?? ClassMap(options), subset, rule: options.Intensity,
            intensity: intensity);
    }

    /// <summary>Opens the validation split; null if the data set on disk has none.</summary>
    /// <param name="options">The run's options.</param>
    /// <param name="intensity">How samples become levels: as for the training images.</param>
    /// <param name="classMap">The class map; null: the one of the options.</param>
    /// <exception cref="DataException">Files are missing or invalid; the message lists every problem.</exception>
    public static MicrographDataset? OpenValidation(TrainingOptions options, IntensityScale? intensity, ClassMap? classMap = null) =>
        options.Data is { } directory && !Directory.Exists(Path.Combine(directory, "val")) ? null
            : Open(options, "val", intensity, classMap);

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
