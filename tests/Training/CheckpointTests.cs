using CsUnet.Cuda;
using CsUnet.Data;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

public sealed class CheckpointTests : IDisposable
{
    private readonly TrainingFixture _workshop = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _workshop.Dispose();

    // Every state that a kill can leave between two checkpoints, made from copies of the folder at both.
    [Theory]
    [InlineData("state half written")]
    [InlineData("state written")]
    [InlineData("weights half written")]
    [InlineData("weights renamed")]
    [InlineData("best half written")]
    [InlineData("best renamed")]
    [InlineData("metrics ahead")]
    [InlineData("before the first checkpoint")]
    [InlineData("in the first checkpoint")]
    public void A_kill_at_any_moment_leaves_a_run_that_resumes_to_the_same_bytes(string moment)
    {
        RunFolder whole = _workshop.NewFolder("whole");
        string before = _workshop.Path("before"), after = _workshop.Path("after"), killed = _workshop.Path("killed");
        using (Trainer trainer = TrainingFixture.NewTrainer(whole, TrainingFixture.Options, TrainingFixture.Validation))
            trainer.Run(new Copier(whole.Path, new() { [6] = before, [8] = after }), Token);
        Copy(before, killed);
        string oldState = "last-000006.optimizer.safetensors", newState = "last-000008.optimizer.safetensors";
        switch (moment)
        {
            case "state half written":
                Half(after, newState, killed);
                break;
            case "state written":
                File.Copy(Path.Combine(after, newState), Path.Combine(killed, newState));
                break;
            case "weights half written":
                File.Copy(Path.Combine(after, newState), Path.Combine(killed, newState));
                Half(after, "last.safetensors", killed);
                break;
            case "weights renamed":
                Copy(after, killed);
                File.Copy(Path.Combine(before, oldState), Path.Combine(killed, oldState), overwrite: true);
                break;
            case "best half written":
                Half(after, "best.safetensors", killed);
                break;
            case "best renamed":
                File.Copy(Path.Combine(after, "best.safetensors"), Path.Combine(killed, "best.safetensors"), overwrite: true);
                break;
            case "metrics ahead":
                File.WriteAllText(Path.Combine(killed, "metrics.csv"), File.ReadAllText(Path.Combine(after, "metrics.csv")) + "9,5,0.7");
                break;
            case "in the first checkpoint":
                // All but the last rename, which gives the new weights their name.
                File.Delete(Path.Combine(killed, "last.safetensors"));
                Half(after, "last.safetensors", killed);
                break;
            default:
                foreach (string file in Directory.GetFiles(killed, "*.safetensors"))
                    File.Delete(file);
                Half(after, newState, killed);
                break;
        }
        if (moment is "before the first checkpoint" or "in the first checkpoint")
        {
            // The first checkpoint is that of step 3.
            string metrics = Path.Combine(killed, "metrics.csv");
            File.WriteAllLines(metrics, File.ReadLines(metrics).Take(4).ToArray());
        }
        string[] mine = ["mine.safetensors.tmp", "thesis.docx.tmp"];
        Array.ForEach(mine, name => File.WriteAllText(Path.Combine(killed, name), ""));
        RunFolder folder = RunFolder.Open(killed);
        using (Trainer trainer = TrainingFixture.NewTrainer(folder, folder.LoadOptions(), TrainingFixture.Validation))
        {
            trainer.Resume();
            Assert.Equal(moment switch
            {
                "weights renamed" => 8,
                "before the first checkpoint" or "in the first checkpoint" => 0,
                _ => 6,
            }, trainer.Step);
            // The user's own files beside the run are kept, whatever their names look like.
            Assert.Equal(mine, Directory.GetFiles(killed, "*.tmp").Select(Path.GetFileName).Order());
            Array.ForEach(mine, name => File.Delete(Path.Combine(killed, name)));
            trainer.Run(cancellation: Token);
        }
        TrainerTests.AssertSameRun(whole, folder);
    }

    [Fact]
    public void Damaged_or_mixed_files_are_named()
    {
        RunFolder folder = _workshop.NewFolder("run");
        using (Trainer trainer = TrainingFixture.NewTrainer(folder, TrainingFixture.Options))
            trainer.Run(cancellation: Token);
        string state = folder.File("last-000012.optimizer.safetensors");
        byte[] weightBytes = File.ReadAllBytes(folder.LastPath), stateBytes = File.ReadAllBytes(state);

        string Refused()
        {
            using Trainer trainer = TrainingFixture.NewTrainer(folder, TrainingFixture.Options);
            return Assert.Throws<WeightFileException>(trainer.Resume).Message;
        }

        foreach (int length in new[] { 0, 5, 100, weightBytes.Length / 2, weightBytes.Length - 1 })
        {
            File.WriteAllBytes(folder.LastPath, weightBytes[..length]);
            Assert.Contains(folder.LastPath, Refused());
        }
        File.WriteAllBytes(folder.LastPath, weightBytes);
        File.WriteAllBytes(state, stateBytes[..^1]);
        Assert.Contains(state, Refused());
        File.Delete(state);
        Assert.Contains(state, Refused());
        File.WriteAllBytes(state, weightBytes);
        Assert.Contains("no optimiser state", Refused());

        using Trainer other = TrainingFixture.NewTrainer(folder, TrainingFixture.Options, model: new TinyModel(classes: 2));
        File.WriteAllBytes(state, stateBytes);
        Assert.Contains("it was trained with the network", Assert.Throws<WeightFileException>(other.Resume).Message);
    }

    [Fact]
    public void A_failed_write_leaves_the_checkpoint_before()
    {
        RunFolder folder = _workshop.NewFolder("run");
        // A folder blocks the state of the second checkpoint: the rename fails, as it could for any other reason.
        Directory.CreateDirectory(Path.Combine(folder.File("last-000006.optimizer.safetensors"), "in the way"));
        using (Trainer trainer = TrainingFixture.NewTrainer(folder, TrainingFixture.Options))
        {
            RunException failure = Assert.Throws<RunException>(() => trainer.Run(cancellation: Token));
            Assert.Contains("checkpoint of step 6 was not written, the one before it is untouched", failure.Message);
        }
        Assert.Equal(["config.yaml", "last-000003.optimizer.safetensors", "last.safetensors", "metrics.csv"],
            Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using Trainer again = TrainingFixture.NewTrainer(folder, TrainingFixture.Options);
        again.Resume();
        Assert.Equal(3, again.Step);
    }

    [Fact]
    public void A_checkpoint_carries_all_that_prediction_needs()
    {
        RunFolder folder = _workshop.NewFolder("run");
        Image image = TrainingFixture.Validation[0].Image;
        byte[] expected;
        using (Trainer trainer = Trainer.Create(TrainingFixture.CsUnetOptions, folder, TrainingFixture.Train, TrainingFixture.Validation))
        {
            trainer.Run(cancellation: Token);
            using var predictor = new Predictor(trainer.Model, 16);
            expected = predictor.Predict(image, cancellation: Token).Labels;
        }
        Checkpoint checkpoint = Checkpoint.Load(folder.CheckpointPath("last"));
        using Predictor loaded = checkpoint.CreatePredictor(16);
        Assert.Equal(expected, loaded.Predict(image, cancellation: Token).Labels);
        Assert.Equal(ClassMap.NasaSuper.ToYaml(), checkpoint.ClassMap.ToYaml());
        Assert.Equal((6, CheckpointHeader.ThisProgram), (checkpoint.Header.Step, checkpoint.Header.Program));
        Assert.Equal(Normalisation.ImageNet.Mean, checkpoint.Header.Normalisation.Mean);
        CsUnetOptions network = Assert.IsType<CsUnetOptions>(checkpoint.Header.Model);
        Assert.Equal((32, 8, MlpKind.ResMlp), (network.Height, network.EmbedDim, network.Mlp));
        Assert.False(checkpoint.Model.IsTraining);
        Assert.True(File.Exists(folder.CheckpointPath("best")));
        Assert.Throws<RunException>(() => folder.CheckpointPath("first"));
    }

    // A file of a few bytes must not make the program allocate all memory, and bad numbers must not look like a prediction.
    [Fact]
    public void Weights_that_cannot_be_right_are_refused()
    {
        string path = _workshop.Path("w.safetensors");
        SegmentationModel model = TrainingFixture.CsUnetOptions.ModelOptions(3).Create();
        model.Initialize(1);
        CheckpointHeader header = TrainingFixture.Header(model);
        var options = (CsUnetOptions)model.Options;
        StateDict.Save(model, path, (header with { Model = options with { EmbedDim = 4096, Depths = [100, 100, 100, 100] } }).ToMetadata());
        long before = GC.GetTotalAllocatedBytes();
        Assert.Contains("these are not the weights of this model", Assert.Throws<WeightFileException>(() => Checkpoint.Load(path)).Message);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 100 << 20);
        StateDict.Save(model, path,
            (header with { Model = options with { Cnn = new ResNetOptions(ResidualBlockKind.Basic, [1]) } }).ToMetadata());
        Assert.Contains("encoder layers 1: four numbers", Assert.Throws<WeightFileException>(() => Checkpoint.Load(path)).Message);
        model.Parameters()[3].Value[1] = double.NaN;
        StateDict.Save(model, path, header.ToMetadata());
        Assert.Contains("not finite", Assert.Throws<WeightFileException>(() => Checkpoint.Load(path)).Message);
    }

    [Fact]
    public void A_resumed_run_keeps_classes_and_network()
    {
        RunFolder folder = _workshop.NewFolder("run");
        var options = new TinyModel.Architecture { Height = 32, Width = 32 };
        CheckpointHeader header = TrainingFixture.Header(options.Create());
        Trainer NewTrainer(CheckpointHeader with)
        {
            SegmentationModel model = with.Model.Create();
            model.Initialize(1);
            return new Trainer(TrainingFixture.Options, model, with,
                TrainingFixture.Options.CreateBatches(TrainingFixture.Train, Normalisation.ImageNet), null, folder);
        }
        using (Trainer trainer = NewTrainer(header))
            trainer.Run(cancellation: Token);
        IReadOnlyList<SegmentationClass> classes = ClassMap.NasaSuper.Classes;
        // Blue and red are exchanged: the same names and numbers, but other pixels.
        var exchanged = new ClassMap("nasa-super",
            [classes[0], classes[1] with { Colours = classes[2].Colours }, classes[2] with { Colours = classes[1].Colours }],
            "_mask", defaultLabel: 0);
        string Refused(CheckpointHeader with)
        {
            using Trainer trainer = NewTrainer(with);
            return Assert.Throws<WeightFileException>(trainer.Resume).Message;
        }
        Assert.Contains("it was trained with the classes (matrix =  default; secondary =", Refused(header with { ClassMap = exchanged }));
        Assert.Contains("it was trained with the network", Refused(header with { Model = options with { Channels = 4 } }));
        // The weights depend neither on names and display colours nor on dropout.
        var renamed = new ClassMap("other", [.. classes.Select(entry => entry with { Display = new Rgb(1, 2, 3) })], "", defaultLabel: 0);
        using Trainer same = NewTrainer(header with { ClassMap = renamed, Model = options with { Dropout = 0.3 } });
        same.Resume();
        Assert.Equal(TrainingFixture.Options.Steps, same.Step);
    }

    [Fact]
    public void Convolutions_are_stored_as_py_torch_does()
    {
        var model = new TinyModel();
        model.Initialize(4);
        StateDict.Save(model, _workshop.Path("w.safetensors"));
        using SafetensorsFile file = SafetensorsFile.Read(_workshop.Path("w.safetensors"));
        Tensor memory = model.NamedParameters().Single(named => named.Name == "conv.weight").Parameter.Value,
            stored = file.Load("conv.weight");
        Assert.Equal(new Shape(8, 3, 3, 3), stored.Shape);
        for (int o = 0; o < 8; o++)
            for (int y = 0; y < 3; y++)
                for (int x = 0; x < 3; x++)
                    for (int i = 0; i < 3; i++)
                        Assert.Equal(memory[((o * 3 + y) * 3 + x) * 3 + i], stored[((o * 3 + i) * 3 + y) * 3 + x]);
        Assert.Contains(file.Entries, entry => entry.Name == "norm.running_var");

        var other = new TinyModel(type: DType.Float64);
        StateDict.Load(other, file);
        foreach (((string name, var a), (_, var b)) in model.NamedParameters().Zip(other.NamedParameters()))
            for (int i = 0; i < a.Value.Count; i++)
                Assert.True(a.Value[i] == b.Value[i], name);
    }

    [Fact]
    public void Foreign_weights_are_refused_and_change_nothing()
    {
        string path = _workshop.Path("w.safetensors");
        var foreign = new LinearModel();
        foreign.Initialize(1);
        StateDict.Save(foreign, path);
        var model = new TinyModel();
        model.Initialize(1);
        double before = model.Parameters()[0].Value[0];
        using (SafetensorsFile file = SafetensorsFile.Read(path))
        {
            string message = Assert.Throws<WeightFileException>(() => StateDict.Load(model, file)).Message;
            Assert.Contains("conv.weight (8,3,3,3) is missing", message);
            Assert.Contains("head.weight is (3,3), expected (3,8)", message);
        }
        Assert.Equal(before, model.Parameters()[0].Value[0]);
        Assert.Contains("no 'program'", Assert.Throws<WeightFileException>(() => Checkpoint.Load(path)).Message);
        Assert.Contains("nowhere.safetensors", Assert.Throws<WeightFileException>(() => Checkpoint.Load("nowhere.safetensors")).Message);
    }

    [Fact]
    public void Folders_are_unique_and_the_newest_is_found()
    {
        string root = _workshop.Path("runs");
        Assert.Contains("no run with a checkpoint", Assert.Throws<RunException>(() => RunFolder.Newest(root)).Message);
        RunFolder[] folders = [.. Enumerable.Range(0, 3).Select(_ => RunFolder.Create("cs-unet-mini", root: root))];
        Assert.Equal(3, folders.Select(folder => folder.Path).Distinct().Count());
        Assert.All(folders, folder => Assert.Matches(@"^cs-unet-mini-\d{8}-\d{6}(-\d)?$", folder.Name));
        for (int i = 0; i < 2; i++)
        {
            TrainingFixture.Options.Save(folders[i].ConfigPath);
            File.WriteAllText(folders[i].LastPath, "");
            File.SetLastWriteTimeUtc(folders[i].LastPath, new DateTime(2030, 1, 2 - i, 0, 0, 0, DateTimeKind.Utc));
        }
        Assert.Equal(folders[0].Path, RunFolder.Newest(root).Path);
        Assert.Contains("holds a run already", Assert.Throws<RunException>(() => RunFolder.Create("m", folders[0].Path)).Message);
        Assert.Contains("holds no run", Assert.Throws<RunException>(() => RunFolder.Open(folders[2].Path)).Message);
        Assert.Contains("no such folder", Assert.Throws<RunException>(() => RunFolder.Open(_workshop.Path("nowhere"))).Message);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
    }

    private static void Half(string from, string name, string to)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(from, name));
        File.WriteAllBytes(AtomicFile.TemporaryOf(Path.Combine(to, name)), bytes[..(bytes.Length / 2)]);
    }

    private sealed class Copier(string folder, Dictionary<int, string> targets) : ITrainingObserver
    {
        public void OnCheckpoint(int step, string path)
        {
            if (targets.TryGetValue(step, out string? target))
                Copy(folder, target);
        }
    }
}
