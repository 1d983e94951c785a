using CsUnet.Data;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

public sealed partial class Trainer
{
    /// <summary>
    /// Starts a new run of the network that the options name, from initial weights. Locks the folder and writes config.yaml, classes.yaml
    /// and data.json.
    /// </summary>
    /// <param name="options">The run's options.</param>
    /// <param name="folder">The run's folder, from <see cref="RunFolder.Create"/>.</param>
    /// <param name="train">Training images; the caller keeps ownership.</param>
    /// <param name="validation">Validation images, or null for none.</param>
    /// <param name="execution">Where and how to compute; null: on the CPU.</param>
    /// <exception cref="RunException">An option is invalid or does not fit the data, or the folder belongs to another run.</exception>
    /// <exception cref="WeightFileException">The file of <see cref="TrainingOptions.CnnWeights"/> does not fit the encoder.</exception>
    public static Trainer Create(
        TrainingOptions options, RunFolder folder, MicrographDataset train, MicrographDataset? validation,
        ExecutionOptions? execution = null)
    {
        options.Validate();
        RunContent content = RunContent.Of(train, validation);
        string? cnnWeights = CnnWeightsFile.HashOf(options);
        RunIdentity identity = RunIdentity.Of(options, train.ClassMap, content, cnnWeights);
        Trainer trainer = Build(options, folder, train, validation, execution, identity);
        return trainer.DisposedIfItFails(() =>
        {
            trainer.RequireNewFolder();
            trainer.CnnWeights = CnnWeightsFile.Load(trainer.Model, options);
            folder.RemoveLeftovers(null);
            // First: it makes the folder that of a run.
            new RunConfiguration(options, identity.Run, cnnWeights).Save(folder);
            RunFiles.WriteText(folder.ClassesPath, train.ClassMap.ToYaml());
            content.Save(folder, identity.Run);
        });
    }

    /// <summary>Continues a run from its last checkpoint, or from the start if it was stopped before its first one.</summary>
    /// <param name="folder">The run's folder, from <see cref="RunFolder.Open"/>.</param>
    /// <param name="options">
    /// The run's options, from <see cref="RunFolder.LoadOptions"/>. Changed options, such as more steps, are saved in config.yaml and apply
    /// from now on.
    /// </param>
    /// <param name="train">
    /// Training images; the caller keeps ownership. They may lie in another folder than before, but must have the same content.
    /// </param>
    /// <param name="validation">Validation images, or null for none.</param>
    /// <param name="execution">Where and how to compute; the device may differ from the previous one. Null: on the CPU.</param>
    /// <exception cref="RunException">
    /// An option is invalid or does not fit the data, the data are not those of the run, or a file of the run is missing.
    /// </exception>
    /// <exception cref="WeightFileException">The checkpoint is damaged or belongs to another model or run.</exception>
    public static Trainer Resume(
        RunFolder folder, TrainingOptions options, MicrographDataset train, MicrographDataset? validation,
        ExecutionOptions? execution = null)
    {
        options.Validate();
        (_, string? run, string? cnnWeights) = RunConfiguration.Load(folder);
        RunContent content = RunContent.Of(train, validation);
        RunIdentity? identity = run is null ? null : new RunIdentity(run, content.Hash);
        Trainer trainer = Build(options, folder, train, validation, execution, identity);
        return trainer.DisposedIfItFails(() =>
        {
            trainer.LockFolder();
            bool isListed = run is not null && RequireSameContent(folder, run, options, content);
            // Before its first checkpoint the run has nothing of the file's weights yet.
            if (!folder.HasCheckpoint)
                trainer.CnnWeights = CnnWeightsFile.LoadAgain(trainer.Model, options, cnnWeights);
            trainer.Resume();
            new RunConfiguration(options, run, cnnWeights).Save(folder);
            if (!File.Exists(folder.ClassesPath))
                RunFiles.WriteText(folder.ClassesPath, train.ClassMap.ToYaml());
            if (run is not null && !isListed)
                content.Save(folder, run);
        });
    }

    /// <summary>Compares the data with the run's data.json; returns false if that file cannot tell, though the weights still can.</summary>
    private static bool RequireSameContent(RunFolder folder, string run, TrainingOptions options, RunContent content)
    {
        if (RunContent.Load(folder, run) is not { } then)
            return false;
        return then.Difference(content) is not { } difference ? true : throw new RunException(
            $"these are not the data that the run was trained with: {difference}", place: RunData.Describe(options),
            remedy: "give the folder that holds them, or start a new run") { Fault = RunFault.OtherData };
    }

    private static Trainer Build(
        TrainingOptions options, RunFolder folder, MicrographDataset train, MicrographDataset? validation, ExecutionOptions? execution,
        RunIdentity? identity)
    {
        SegmentationModel model = CreateModel(options, train.ClassMap.Count);
        RequireMemory(model, options, execution?.Device ?? Device.Cpu, train.MemoryBytes + (validation?.MemoryBytes ?? 0));
        model.Initialize(options.Seed);
        var header = new CheckpointHeader(model.Options, train.ClassMap, Normalisation.ImageNet, 0, CheckpointHeader.ThisProgram)
        {
            Identity = identity,
            Intensity = train.Intensity,
        };
        return new Trainer(options, model, header, options.CreateBatches(train, header.Normalisation), validation, folder, execution)
        {
            TrainingSet = train,
        };
    }

    private Trainer DisposedIfItFails(Action action)
    {
        try
        {
            action();
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private static void RequireMemory(SegmentationModel model, TrainingOptions options, Device device, long dataBytes)
    {
        try
        {
            if (options.Precision.RunsOn(device))
                MemoryNeed.RequireTraining(model.Options, options, device, dataBytes);
        }
        catch (InvalidValueException failure)
        {
            throw new RunException($"the model cannot be trained: {failure.Problem}", remedy: failure.Remedy, cause: failure);
        }
    }

    private static SegmentationModel CreateModel(TrainingOptions options, int classes)
    {
        try
        {
            SegmentationModel model = options.ModelOptions(classes).Create();
            return model;
        }
        catch (ArgumentException failure)
        {
            throw new RunException($"the model cannot be trained: {failure.Message}", cause: failure);
        }
    }
}
