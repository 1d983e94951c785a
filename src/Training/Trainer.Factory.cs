using CsUnet.Data;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

public sealed partial class Trainer
{
    /// <summary>
    /// Starts a new run of the network that the options name, from initial weights. Locks the folder and writes config.yaml.
    /// </summary>
    /// <param name="options">The run's options.</param>
    /// <param name="folder">The run's folder, from <see cref="RunFolder.Create"/>.</param>
    /// <param name="train">Training images; the caller keeps ownership.</param>
    /// <param name="validation">Validation images, or null for none.</param>
    /// <param name="execution">Where and how to compute; null: on the CPU.</param>
    /// <exception cref="RunException">An option is invalid or does not fit the data, or the folder belongs to another run.</exception>
    public static Trainer Create(
        TrainingOptions options, RunFolder folder, MicrographDataset train, MicrographDataset? validation,
        ExecutionOptions? execution = null)
    {
        Trainer trainer = Build(options, folder, train, validation, execution);
        return trainer.DisposedIfItFails(() =>
        {
            trainer.RequireNewFolder();
            options.Save(folder.ConfigPath);
        });
    }

    /// <summary>Continues a run from its last checkpoint, or from the start if it has none.</summary>
    /// <param name="folder">The run's folder, from <see cref="RunFolder.Open"/>.</param>
    /// <param name="options">
    /// The run's options, from <see cref="RunFolder.LoadOptions"/>. Changed options, such as more steps, are saved in config.yaml and apply
    /// from now on.
    /// </param>
    /// <param name="train">Training images; the caller keeps ownership.</param>
    /// <param name="validation">Validation images, or null for none.</param>
    /// <param name="execution">Where and how to compute; the device may differ from the previous one. Null: on the CPU.</param>
    /// <exception cref="RunException">An option is invalid or does not fit the data.</exception>
    /// <exception cref="WeightFileException">The checkpoint is damaged or belongs to another model.</exception>
    public static Trainer Resume(
        RunFolder folder, TrainingOptions options, MicrographDataset train, MicrographDataset? validation,
        ExecutionOptions? execution = null)
    {
        Trainer trainer = Build(options, folder, train, validation, execution);
        return trainer.DisposedIfItFails(() =>
        {
            trainer.Resume();
            options.Save(folder.ConfigPath);
        });
    }

    private static Trainer Build(
        TrainingOptions options, RunFolder folder, MicrographDataset train, MicrographDataset? validation, ExecutionOptions? execution)
    {
        options.Validate();
        SegmentationModel model = CreateModel(options, train.ClassMap.Count);
        model.Initialize(options.Seed);
        var header = new CheckpointHeader(model.Options, train.ClassMap, Normalisation.ImageNet, 0, CheckpointHeader.ThisProgram);
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

    private static SegmentationModel CreateModel(TrainingOptions options, int classes)
    {
        try
        {
            SegmentationModel model = options.ModelOptions(classes).Create();
            model.RequireMemory(options.Batch);
            return model;
        }
        catch (ArgumentException failure)
        {
            throw new RunException($"the model cannot be trained: {failure.Message}", cause: failure);
        }
    }
}
