using CsUnet.Data;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>Writes and reads the checkpoints of a run. A kill at any moment leaves weights and optimiser state that match.</summary>
/// <remarks>
/// The optimiser state of step N goes to a file named after N. Then a rename replaces last.safetensors, whose header names that file: this
/// is the one moment when the checkpoint changes. Until then last.safetensors names the previous state, which is deleted only afterwards.
/// The next checkpoint, or resuming the run, removes what a kill left behind.
/// </remarks>
internal sealed class CheckpointWriter(RunFolder folder, SegmentationModel model, Optimizer optimizer, CheckpointHeader header)
{
    private string? _current;

    /// <summary>Writes the optimiser state and last.safetensors.</summary>
    /// <exception cref="RunException">A file cannot be written; the previous checkpoint is unchanged.</exception>
    public void SaveLast(TrainerState state)
    {
        string name = RunFolder.StateName(state.Step);
        try
        {
            Guard(state.Step, () =>
            {
                SafetensorsFile.Write(folder.File(name), optimizer.State(), state.ToMetadata());
                StateDict.Save(model, folder.LastPath, (header with { Step = state.Step, StateFile = name }).ToMetadata());
            });
            _current = name;
        }
        finally
        {
            // After a failure, such as a full disk, this deletes the new state: its weights were not written.
            folder.RemoveLeftovers(_current);
        }
    }

    /// <summary>Writes best.safetensors.</summary>
    /// <exception cref="RunException">The file cannot be written; the previous one is unchanged.</exception>
    public void SaveBest(int step) =>
        Guard(step, () => StateDict.Save(model, folder.BestPath, (header with { Step = step }).ToMetadata()));

    /// <summary>Loads weights and optimiser state from the run's last checkpoint, and removes what a kill left beside it.</summary>
    /// <exception cref="WeightFileException">A file is missing or damaged, or belongs to another model.</exception>
    public TrainerState Load()
    {
        using SafetensorsFile weights = SafetensorsFile.Read(folder.LastPath);
        CheckpointHeader loaded = CheckpointHeader.Of(weights);
        if (loaded.StateFile is not { } name || Path.GetFileName(name) != name)
            throw new WeightFileException(weights.Path, "it names no optimiser state to go on from", "start a new run in another folder");
        RequireSame(weights.Path, "classes", Meaning(loaded.ClassMap), Meaning(header.ClassMap));
        RequireSame(weights.Path, "network", Architecture(loaded), Architecture(header));
        // Numbers of many digits can be different and print the same.
        if (!loaded.Intensity.MeansTheSame(header.Intensity))
            RequireSame(weights.Path, "intensity ranges", loaded.Intensity.ToText(), header.Intensity.ToText());
        using SafetensorsFile stateFile = SafetensorsFile.Read(folder.File(name));
        TrainerState state = TrainerState.Of(stateFile);
        if (state.Step != loaded.Step)
            throw new WeightFileException(stateFile.Path, $"it belongs to step {state.Step}, but {weights.Path} to step {loaded.Step}",
                "the files were mixed by hand; restore both from one copy");
        StateDict.Load(model, weights);
        optimizer.LoadState(stateFile, state.Step);
        _current = name;
        folder.RemoveLeftovers(name);
        return state;
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
