using System.Text;
using CsUnet.Data;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Robustness;

/// <summary>
/// Damaged files of every kind that a run reads: a reader gives a value, or its own exception with one short line that names the file. It
/// never ends otherwise, and never takes long.
/// </summary>
public sealed class ReaderMutationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static int Tries => TestFiles.RunsAll ? 12_500 : 375;

    [Fact]
    public void A_config_is_read_or_refused() => Check<RunException>("config.yaml", Encoding.UTF8.GetBytes(new TrainingOptions
    {
        Data = "sets/größe 7", Classes = "my classes.yaml", Depths = [2, 2, 2, 2], ClassWeights = [1, 0.5, 2], Subset = ["a 1", "b"],
        Augmentation = AugmentationOptions.Nasa,
    }.ToYaml()), (mutator, sound) => mutator.Text(sound), path =>
    {
        TrainingOptions options = TrainingOptions.Load(path);
        // What was read can be written and read again.
        Assert.Equal(options, TrainingOptions.Parse(options.ToYaml()));
    });

    [Fact]
    public void A_class_map_is_read_or_refused() => Check<DataException>("classes.yaml", Encoding.UTF8.GetBytes("""
        # a comment
        name: mine
        classes:
          - {name: "matrix: grey", values: [0, 1], display: "#808080"}
          - name: secondary
            colours: [[0, 0, 255], "#0000fe"]
          - {name: 'tertiary', values: [65535]}
          - {name: rest}
        mask_suffix: _mask
        default: rest
        ignore: [7, [1, 2, 3]]

        """), (mutator, sound) => mutator.Text(sound), path =>
    {
        ClassMap map = ClassMap.Load(path);
        Assert.Equal(map.ToYaml(), ClassMap.FromYaml(map.ToYaml(), "again").ToYaml());
    });

    [Fact]
    public void An_augmentation_is_read_or_refused() => Check<DataException>("augment.yaml",
        Encoding.UTF8.GetBytes(AugmentationOptions.Nasa.ToYaml()), (mutator, sound) => mutator.Text(sound), path =>
        {
            AugmentationOptions options = AugmentationOptions.Load(path);
            Assert.Equal(options, AugmentationOptions.FromYaml(options.ToYaml(), "again"));
        });

    [Fact]
    public void A_metrics_log_is_read_or_refused_and_its_sound_rows_are_kept()
    {
        string sound = MetricsLog.Header + "\n" + string.Concat(Enumerable.Range(1, 6).Select(step =>
            FormattableString.Invariant($"{step},1,0.8{step},5E-05,{(step % 2 == 0 ? "0.75,0.5" : ",")},{step}.25\n")));
        Check<RunException>("metrics.csv", Encoding.UTF8.GetBytes(sound), (mutator, bytes) => mutator.Text(bytes), path =>
        {
            IReadOnlyList<MetricsRow> rows = MetricsLog.ReadSound(path, out string? damage);
            Assert.All(rows, row => Assert.True(row.Step > 0 && double.IsFinite(row.Loss)));
            Assert.True(damage is null || (damage.Contains(path, StringComparison.Ordinal) && PlainText.Of(damage) == damage), damage);
            Assert.Equal(rows, MetricsLog.Read(path));
        });
    }

    [Fact]
    public void A_record_is_read_or_refused()
    {
        File.WriteAllText(_folder.File("config.yaml"), "");
        RunFolder folder = RunFolder.Open(_folder.Path);
        new RunRecord { Command = "csunet train --data 'a b'", Data = "a b", Seconds = 1.5, Step = 6, Steps = 6, BestMeanIoU = 0.5 }
            .Save(folder);
        Check<RunException>(RunRecord.FileName, File.ReadAllBytes(folder.File(RunRecord.FileName)), (mutator, sound) => mutator.Text(sound),
            _ => RunRecord.Load(folder));
    }

    [Fact]
    public void An_evaluation_is_read_or_refused()
    {
        var confusion = new ConfusionMatrix(3);
        confusion.Add([0, 1, 2, 2, 1], [0, 1, 2, 1, 1]);
        string sound = new Evaluation(["matrix", "größer", "x"], [new ImageScore("one", confusion), new ImageScore("two", confusion)])
            .ToJson();
        Check<RunException>("evaluation-test.json", Encoding.UTF8.GetBytes(sound), (mutator, bytes) => mutator.Text(bytes),
            path => _ = Evaluation.Load(path).ToJson());
    }

    [Fact]
    public void A_weight_file_is_read_or_refused()
    {
        SegmentationModel model = Tiny();
        var header = new CheckpointHeader(model.Options, ClassMap.NasaSuper, Normalisation.ImageNet, 6, CheckpointHeader.ThisProgram,
            "last-000006.optimizer.safetensors");
        StateDict.Save(model, _folder.File("last.safetensors"), header.ToMetadata());
        Check<WeightFileException>("last.safetensors", File.ReadAllBytes(_folder.File("last.safetensors")),
            (mutator, sound) => mutator.Safetensors(sound), path => _ = Checkpoint.Load(path).ClassMap.ToYaml());
    }

    [Fact]
    public void An_optimiser_state_is_read_or_refused()
    {
        Optimizer optimizer = new TrainingOptions().CreateOptimizer(Tiny());
        var state = new TrainerState(6, 4, new ValidationHistory(0.5, 2, 1, 1), 0.75, 1e-3);
        string path = _folder.File("last-000006.optimizer.safetensors");
        SafetensorsFile.Write(path, optimizer.State(), state.ToMetadata());
        Check<WeightFileException>(Path.GetFileName(path), File.ReadAllBytes(path), (mutator, sound) => mutator.Safetensors(sound), file =>
        {
            using SafetensorsFile opened = SafetensorsFile.Read(file);
            optimizer.LoadState(opened, TrainerState.Of(opened).Step);
        });
    }

    private void Check<TOwn>(string name, byte[] sound, Func<Mutator, byte[], byte[]> damage, Action<string> read) where TOwn : Exception
    {
        int refused = Mutations.Check<TOwn>(_folder.File(name), sound, Tries, damage, read);
        Assert.InRange(refused, Tries / 10, Tries);
    }

    /// <summary>The smallest CS-UNet, with weights.</summary>
    private static SegmentationModel Tiny() => new CsUnetOptions
    {
        Height = 32, Width = 32, Classes = 3, Window = 8, EmbedDim = 1, Depths = [1, 1, 1, 1], Heads = [1, 1, 1, 1],
        Cnn = Encoders.Named("resnet18", width: 1),
    }.Create().Initialize(1);
}
