using CsUnet.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Training;

public sealed partial class Trainer
{
    /// <summary>
    /// Continues from the run's last checkpoint. The following steps are identical to those of an uninterrupted run. Begins at step 0 if
    /// the run has not yet written a checkpoint.
    /// </summary>
    /// <exception cref="WeightFileException">The checkpoint is damaged or belongs to another model or run.</exception>
    /// <exception cref="RunException">
    /// The run had written a checkpoint that is gone, it was trained with other data, or the options end it before its present step.
    /// </exception>
    public void Resume()
    {
        LockFolder();
        if (Folder.HasCheckpoint)
            _state = _checkpoints.Load();
        else
            Restart();
        if (_state.Step > Steps)
        {
            string option = Options.Epochs is null ? "steps" : "epochs", value = $"is {Options.Epochs ?? Options.Steps}";
            string done = ProblemText.Count(_state.Step, "step");
            throw new OptionException(option, Options.Epochs is null ? value : $"{value}, {ProblemText.Count(Steps, "step")}",
                $"at least the {done} that the run has done");
        }
        _isResumed = true;
    }

    /// <summary>
    /// Begins a run again that was killed before its first checkpoint. Its remains are deleted, so that they do not look like those of a
    /// lost checkpoint when the next process is killed, too.
    /// </summary>
    private void Restart()
    {
        if (TraceOfCheckpoint() is { } trace)
        {
            throw new RunException($"the file is missing, though the run had written it: {trace}", place: Folder.LastPath,
                remedy: "restore it from a copy of the run, or start a new run in another folder") { Fault = RunFault.FileLost };
        }
        new MetricsLog(Folder.MetricsPath, step: 0).Dispose();
        AtomicFile.TryDelete(Folder.BestPath);
        Folder.RemoveLeftovers(null);
    }

    /// <summary>What shows that the run had a checkpoint; null if nothing does.</summary>
    private string? TraceOfCheckpoint()
    {
        string? Named(IEnumerable<string> paths) => paths.Where(File.Exists).Select(path => $"{Path.GetFileName(path)} is there")
            .FirstOrDefault();
        // A killed process leaves the state or the best weights without last.safetensors only together with its unfinished file.
        if (!Folder.HasUnfinishedCheckpoint() && Named(Folder.StatePaths().Append(Folder.BestPath)) is { } file)
            return file;
        if (Named(Folder.EvaluationPaths()) is { } evaluation)
            return evaluation;
        int first = FirstCheckpoint(Options);
        if (File.Exists(Folder.ConfigPath))
            first = Math.Max(first, FirstCheckpoint(Folder.LoadOptions()));
        if (Readable(() => MetricsLog.Read(Folder.MetricsPath)) is [.., var last] && last.Step > first)
            return $"{Path.GetFileName(Folder.MetricsPath)} has rows up to step {last.Step}, and a checkpoint was due at step {first}";
        return Readable(() => RunRecord.Load(Folder)) is { } record && record.Outcome is not (RunRecord.Running or RunRecord.Failed)
            ? $"{RunRecord.FileName} says that step {record.Step} was done"
            : null;
    }

    /// <summary>What a file says that the run does not need; null if it cannot be read.</summary>
    private static T? Readable<T>(Func<T> read) where T : class
    {
        try
        {
            return read();
        }
        catch (RunException)
        {
            return null;
        }
    }

    /// <summary>The step after which a run with these options writes its first checkpoint, unless it is stopped before.</summary>
    private int FirstCheckpoint(TrainingOptions options)
    {
        int steps = options.Epochs is { } epochs ? checked(epochs * StepsPerEpoch) : options.Steps;
        int[] due = [steps, options.CheckpointEvery, _validation is null ? 0 : options.ValidateEvery];
        return due.Where(step => step > 0).Min();
    }

    /// <summary>
    /// Keeps other processes out until this trainer is disposed. The lock is taken before the first file is read or written: a resuming
    /// process deletes what looks like leftovers, which could be files that another process is writing.
    /// </summary>
    private void LockFolder() => _lock ??= Folder.Lock();

    private void RequireNewFolder()
    {
        LockFolder();
        if (Folder.HasCheckpoint)
            throw RunFolder.Taken(Folder.Path, "holds a checkpoint of another run");
    }
}
