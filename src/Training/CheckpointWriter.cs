using CsUnet.Cuda;
using CsUnet.Data;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>Writes and reads the checkpoints of a run. A kill at any moment leaves weights and optimiser state that match.</summary>
/// <remarks>
/// A rename replaces last.safetensors, whose header names the file of the optimiser state of the same step: this is the one moment when the
/// checkpoint changes. The new weights are complete in a temporary file before best.safetensors and the state of step N get their names, so
/// the first checkpoint of a run cannot leave these two without last.safetensors or its temporary file. The state of the previous step is
/// deleted only afterwards. The state names the hash of its weights. Resuming the run removes what a kill left behind.
/// </remarks>
/// <param name="folder">The run's folder.</param>
/// <param name="model">The network.</param>
/// <param name="optimizer">The optimiser.</param>
/// <param name="header">The header of the weight files.</param>
/// <param name="options">The run's options.</param>
internal sealed class CheckpointWriter(
    RunFolder folder, SegmentationModel model, Optimizer optimizer, CheckpointHeader header, TrainingOptions options)
{
    private const string WeightsKey = "weights", OptionsKey = "options", Mixed = "the files were mixed by hand; restore both from one copy";

    // Where things lie and on what they are computed does not change what the next steps compute.
    private static readonly string[] s_free = ["data", "classes", "cnn_weights", "checkpoint_every", "tile_stride", "threads"];

    private string? _current;

    /// <summary>The options that differ from those of the loaded checkpoint, by key; none if an older version wrote it.</summary>
    public IReadOnlyList<string> ChangedOptions { get; private set; } = [];

    /// <summary>Writes the optimiser state and last.safetensors.</summary>
    /// <param name="state">The state of the run.</param>
    /// <param name="isBest">Whether to write best.safetensors too.</param>
    /// <exception cref="RunException">A file cannot be written; the previous checkpoint is unchanged.</exception>
    public void Save(TrainerState state, bool isBest)
    {
        string name = RunFolder.StateName(state.Step);
        try
        {
            Guard(state.Step, () =>
            {
                IReadOnlyList<KeyValuePair<string, Tensor>> weights = StateDict.Of(model), moments = [.. optimizer.State()];
                string hash = SafetensorsFile.ContentHashOf(weights);
                void Write(string path, CheckpointHeader with, Action? beforeRename = null) => SafetensorsFile.Write(
                    path, weights, SafetensorsFile.WithChecksum(with.ToMetadata(), hash), beforeRename);
                Write(folder.LastPath, header with { Step = state.Step, StateFile = name }, () =>
                {
                    if (isBest)
                        Write(folder.BestPath, header with { Step = state.Step });
                    SafetensorsFile.Write(folder.File(name), moments,
                        SafetensorsFile.WithChecksum(Metadata(state, hash), SafetensorsFile.ContentHashOf(moments)));
                });
            });
            _current = name;
        }
        catch
        {
            // Deletes the new files, whose weights were not written. If that fails too, for example because the folder is gone, the first
            // failure is the one to report, and resuming the run deletes the state.
            if (name != _current)
                AtomicFile.TryDelete(folder.File(name));
            if (!folder.HasCheckpoint)
                AtomicFile.TryDelete(folder.BestPath);
            throw;
        }
        folder.RemoveOldStates(_current);
    }

    private Dictionary<string, string> Metadata(TrainerState state, string weights)
    {
        var metadata = new Dictionary<string, string>(state.ToMetadata()) { [WeightsKey] = weights };
        if (header.Identity is { } identity)
        {
            identity.AddTo(metadata);
            metadata[OptionsKey] = options.ToYaml(s_free, withMeaning: false);
        }
        return metadata;
    }

    /// <summary>Loads weights and optimiser state from the run's last checkpoint, and removes what a kill left beside it.</summary>
    /// <exception cref="WeightFileException">A file is missing or damaged, or belongs to another model or run.</exception>
    /// <exception cref="RunException">The data are not those that the checkpoint was trained with.</exception>
    public TrainerState Load()
    {
        using SafetensorsFile weights = SafetensorsFile.Read(folder.LastPath);
        CheckpointHeader loaded = CheckpointHeader.Of(weights);
        if (loaded.StateFile is not { } name || Path.GetFileName(name) != name)
            throw new WeightFileException(weights.Path, "it names no optimiser state to go on from", "start a new run in another folder");
        RequireSame(weights.Path, "classes", Meaning(loaded.ClassMap), Meaning(header.ClassMap));
        RequireSame(weights.Path, "network", Architecture(loaded), Architecture(header));
        weights.Verify(isRequired: loaded.Identity is not null);
        RunIdentity.RequireSame(weights.Path, loaded.Identity?.Run, header.Identity?.Run);
        if (loaded.Identity?.Data != header.Identity?.Data)
            throw new RunException("the checkpoint was trained with other data than these", "the same files with the same content",
                RunData.Describe(options)) { Fault = RunFault.OtherData };
        // Numbers of many digits can be different and print the same.
        if (!loaded.Intensity.MeansTheSame(header.Intensity))
            RequireSame(weights.Path, "intensity ranges", loaded.Intensity.ToText(), header.Intensity.ToText());
        using SafetensorsFile stateFile = SafetensorsFile.Read(folder.File(name));
        TrainerState state = TrainerState.Of(stateFile);
        if (state.Step != loaded.Step)
            throw new WeightFileException(stateFile.Path, $"it belongs to step {state.Step}, but {weights.Path} to step {loaded.Step}",
                Mixed);
        stateFile.Verify(isRequired: loaded.Identity is not null);
        RunIdentity.RequireSame(stateFile.Path, RunIdentity.Of(stateFile)?.Run, header.Identity?.Run);
        if (stateFile.Metadata.TryGetValue(WeightsKey, out string? of) && of != weights.ContentHash)
            throw new WeightFileException(stateFile.Path, $"it belongs to other weights than {weights.Path}", Mixed);
        if (BestHeader() is { } best)
            RunIdentity.RequireSame(folder.BestPath, best.Identity?.Run, header.Identity?.Run);
        CompareOptions(stateFile);
        StateDict.Load(model, weights);
        optimizer.LoadState(stateFile, state.Step);
        _current = name;
        folder.RemoveLeftovers(name);
        return state;
    }

    /// <summary>
    /// The header of best.safetensors; null if it cannot be read. Resuming does not need that file, and those who use it say what is wrong.
    /// </summary>
    private CheckpointHeader? BestHeader()
    {
        try
        {
            using SafetensorsFile best = SafetensorsFile.Read(folder.BestPath);
            return CheckpointHeader.Of(best);
        }
        catch (WeightFileException)
        {
            return null;
        }
    }

    /// <summary>Notes changed options; refuses changes of those that a run keeps.</summary>
    private void CompareOptions(SafetensorsFile state)
    {
        if (!state.Metadata.TryGetValue(OptionsKey, out string? text))
            return;
        TrainingOptions then = TrainingOptions.Parse(text, state.Path, options);
        ChangedOptions = TrainingOptionTable.Differences(then, options);
        if (ChangedOptions.Select(key => TrainingOptionTable.Find(key)).FirstOrDefault(option => option.IsFixed) is not { } option)
            return;
        string Value(TrainingOptions of) => string.Join(", ", option.Write(of));
        throw new OptionException(option.Key, $"is '{Value(options)}'", $"'{Value(then)}', with which the run was trained",
            folder.ConfigPath, "start a new run to change it, or restore the file from a copy");
    }

    // The class map is read again from the user's file. If that file changed, the labels would silently mean something else.
    private static void RequireSame(string path, string what, string then, string now)
    {
        if (then != now)
            throw new WeightFileException(path, $"it was trained with the {what} {then}, but the run's are now {now}",
                "undo the change, or start a new run in another folder");
    }

    /// <summary>How annotations map to classes, without file names and display colours, which may change.</summary>
    private static string Meaning(ClassMap map)
    {
        string Values(IEnumerable<int> values, IEnumerable<Rgb> colours) =>
            string.Join(' ', values.Select(value => $"{value}").Concat(colours.Select(colour => $"{colour}")));
        IEnumerable<string> classes = map.Classes.Select((entry, label) =>
            $"{entry.Name} = {Values(entry.Values, entry.Colours)}{(map.DefaultLabel == label ? " default" : "")}");
        return $"({string.Join("; ", classes)}; ignored = {Values(map.IgnoredValues, map.IgnoredColours)})";
    }

    private static string Architecture(CheckpointHeader header) => header.Model.ForWeights().ToJson();

    private static void Guard(int step, Action write)
    {
        try
        {
            write();
        }
        catch (WeightFileException failure)
        {
            throw new RunException(
                $"the checkpoint of step {step} was not written, the one before it is untouched: {failure.Path}: {failure.Problem}",
                remedy: $"{failure.Remedy}, then resume the run", cause: failure) { Fault = RunFault.NotWritten };
        }
    }
}
