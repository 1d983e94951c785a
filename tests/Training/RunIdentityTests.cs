using CsUnet.Data;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

/// <summary>The files of a run belong together: what is missing, changed or of another run is an error, never a default.</summary>
public sealed class RunIdentityTests(TrainedFolders trained) : IClassFixture<TrainedFolders>, IDisposable
{
    private static readonly TrainingOptions s_options = TrainingFixture.CsUnetOptions with { Steps = 4, ValidateEvery = 2 };

    private readonly TrainingFixture _workshop = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void Every_file_names_the_run()
    {
        RunFolder folder = Train("run", s_options);
        string run = folder.LoadIdentity()!;
        Assert.Matches("^[0-9a-f]{32}$", run);
        Assert.StartsWith($"# Run {run}\n", File.ReadAllText(folder.ConfigPath));
        Assert.EndsWith($"# End of run {run}: {TrainingOptions.Keys.Count} options\n", File.ReadAllText(folder.ConfigPath));
        Assert.Contains($"\"run\": \"{run}\"", File.ReadAllText(folder.DataPath));
        foreach (string path in Directory.GetFiles(folder.Path, "*.safetensors"))
        {
            using SafetensorsFile file = SafetensorsFile.Read(path);
            Assert.Equal(run, file.Metadata["run"]);
            file.Verify(isRequired: true);
        }
        // The identity is that of the computation, not of the folder.
        Assert.Equal(run, Train("same", s_options with { Threads = 1, Steps = 3 }).LoadIdentity());
        Assert.NotEqual(run, Train("seed", s_options with { Seed = 8 }).LoadIdentity());
        Assert.NotEqual(run, Train("rate", s_options with { LearningRate = 2e-3 }).LoadIdentity());
    }

    [Theory]
    [InlineData("config.yaml", "last.safetensors: it belongs to run ")]
    [InlineData("last.safetensors", "last.safetensors: it belongs to run ")]
    [InlineData("last-000004.optimizer.safetensors", "last-000004.optimizer.safetensors: it belongs to run ")]
    [InlineData("best.safetensors", "best.safetensors: it belongs to run ")]
    public void A_file_of_another_run_is_refused(string name, string expected)
    {
        RunFolder folder = Train("run", s_options), other = Train("other", s_options with { Seed = 8 });
        File.Copy(other.File(name), folder.File(name), overwrite: true);
        Assert.Contains(expected, Refused(folder));
        if (name is "config.yaml" or "last.safetensors")
            Assert.Contains(expected, Assert.Throws<WeightFileException>(() => folder.LoadCheckpoint("last")).Message);
        if (name == "best.safetensors")
            Assert.Contains(expected, Assert.Throws<WeightFileException>(() => folder.LoadCheckpoint("best")).Message);
    }

    // Of the same run, but of another copy that went on with another learning rate.
    [Fact]
    public void An_optimiser_state_of_other_weights_is_refused()
    {
        RunFolder folder = Train("run", s_options), other = Train("other", s_options with { Steps = 2 });
        using (Trainer trainer = Trainer.Resume(other, s_options with { LearningRate = 0.01 }, TrainingFixture.Train,
            TrainingFixture.Validation))
        {
            Assert.Equal(["steps", "learning_rate"], trainer.ChangedOptions);
            trainer.Run(cancellation: Token);
        }
        const string state = "last-000004.optimizer.safetensors";
        File.Copy(other.File(state), folder.File(state), overwrite: true);
        Assert.Contains($"{state}: it belongs to other weights than", Refused(folder));
    }

    [Theory]
    [InlineData("seed: 7", "seed: 8", "seed is '8', expected '7', with which the run was trained")]
    [InlineData("batch: 2", "batch: 3", "batch is '3'")]
    [InlineData("embed_dim: 8", "embed_dim: 16", "it was trained with the network")]
    public void An_edited_configuration_does_not_change_what_a_run_keeps(string then, string now, string expected)
    {
        RunFolder folder = Train("run", s_options);
        Edit(folder.ConfigPath, text => text.Replace(then, now, StringComparison.Ordinal));
        Assert.Contains(expected, Refused(folder));
    }

    [Fact]
    public void Rows_of_another_run_are_set_aside()
    {
        RunFolder folder = Train("run", s_options), other = Train("other", s_options with { Seed = 8 });
        File.Copy(other.MetricsPath, folder.MetricsPath, overwrite: true);
        var warnings = new Warnings();
        using (Trainer trainer = Resume(folder, s_options with { Steps = 5 }))
            trainer.Run(warnings, Token);
        Assert.Contains("its row of step 4 is not that of the checkpoint", Assert.Single(warnings.Texts));
        Assert.Equal([5], MetricsLog.Read(folder.MetricsPath).Select(row => row.Step));
        Assert.Equal(File.ReadAllText(other.MetricsPath), File.ReadAllText($"{folder.MetricsPath}.damaged"));
    }

    [Fact]
    public void Every_cut_of_the_configuration_is_refused()
    {
        RunFolder folder = Train("run", s_options);
        string whole = File.ReadAllText(folder.ConfigPath);
        string[] lines = whole.Split('\n')[..^1];
        for (int kept = 0; kept < lines.Length; kept++)
        {
            File.WriteAllLines(folder.ConfigPath, lines[..kept]);
            Assert.Contains(folder.ConfigPath, Assert.Throws<RunException>(folder.LoadOptions).Message);
            File.WriteAllText(folder.ConfigPath, string.Join('\n', lines[..kept]) + new string('\0', 100));
            Assert.ThrowsAny<RunException>(folder.LoadOptions);
            if (kept > 0)
            {
                File.WriteAllLines(folder.ConfigPath, lines[..kept]);
                Assert.ThrowsAny<RunException>(() => TrainingOptions.Load(folder.ConfigPath));
            }
        }
        // A line in the middle, and the first line, are missed too.
        for (int missing = 0; missing < lines.Length; missing++)
        {
            if (lines[missing].StartsWith(' '))
                continue;
            File.WriteAllLines(folder.ConfigPath, lines.Where((_, line) => line != missing));
            Assert.ThrowsAny<RunException>(folder.LoadOptions);
        }
        File.WriteAllText(folder.ConfigPath, whole);
        Assert.Equal(s_options, folder.LoadOptions());
    }

    [Theory]
    [InlineData("last-*.optimizer.safetensors")]
    [InlineData("best.safetensors")]
    [InlineData("metrics.csv")]
    [InlineData("evaluation-*.json")]
    [InlineData("run.json")]
    public void Lost_weights_are_not_replaced_by_initial_ones(string kept)
    {
        RunFolder folder = Train("run", s_options);
        File.WriteAllText(folder.File("evaluation-test.json"), "{}");
        new RunRecord { Outcome = "completed", Step = 4, Run = folder.LoadIdentity() }.Save(folder);
        string[] others = [.. Directory.GetFiles(folder.Path).Except(Directory.GetFiles(folder.Path, kept))
            .Where(path => Path.GetFileName(path) is not ("config.yaml" or "data.json" or "classes.yaml"))];
        Assert.Contains(folder.LastPath, others);
        Array.ForEach(others, File.Delete);
        string[] before = Directory.GetFiles(folder.Path);
        RunException failure = Assert.Throws<RunException>(() => Resume(folder, s_options));
        Assert.Equal(RunFault.FileLost, failure.Fault);
        Assert.StartsWith($"{folder.LastPath}: the file is missing, though the run had written it: ", failure.Message);
        Assert.Equal(before, Directory.GetFiles(folder.Path).Where(path => !path.EndsWith(".lock", StringComparison.Ordinal)));
    }

    // Changes of bytes that leave a readable file: tensors, and the text of the header.
    [Theory]
    [InlineData("last.safetensors", -5)]
    [InlineData("last-000004.optimizer.safetensors", -5)]
    [InlineData("last.safetensors", -50_000)]
    public void A_changed_byte_of_the_weights_is_noticed(string name, int position)
    {
        RunFolder folder = Train("run", s_options);
        byte[] bytes = File.ReadAllBytes(folder.File(name));
        bytes[bytes.Length + position] ^= 1;
        File.WriteAllBytes(folder.File(name), bytes);
        Assert.Contains($"{name}: its content does not fit its checksum", Refused(folder));
    }

    [Fact]
    public void Changed_metadata_of_the_weights_are_noticed()
    {
        RunFolder folder = Train("run", s_options);
        OldRun.Rewrite(folder.LastPath, metadata =>
            metadata["normalisation"] = metadata["normalisation"].Replace("0.4", "0.5", StringComparison.Ordinal));
        Assert.Contains("checksum", Assert.Throws<WeightFileException>(() => Checkpoint.Load(folder.LastPath)).Message);
        OldRun.Rewrite(folder.LastPath, metadata => metadata.Remove(SafetensorsFile.ChecksumKey));
        Assert.Contains("no 'checksum'", Assert.Throws<WeightFileException>(() => Checkpoint.Load(folder.LastPath)).Message);
    }

    [Fact]
    public void Data_are_known_by_content_and_the_difference_is_listed()
    {
        RunFolder folder = Train("run", s_options);
        Sample[] samples = [.. Enumerable.Range(0, TrainingFixture.Train.Count).Select(index => TrainingFixture.Train[index])];
        MicrographDataset Set(params Sample[] of) => MicrographDataset.FromSamples(TrainingFixture.Train.Name, ClassMap.NasaSuper, of);
        string Difference(MicrographDataset train, MicrographDataset? validation)
        {
            RunException failure = Assert.Throws<RunException>(() => Trainer.Resume(folder, s_options, train, validation));
            Assert.Equal(RunFault.OtherData, failure.Fault);
            return failure.Message;
        }
        using (Trainer same = Trainer.Resume(folder, s_options, Set(samples), TrainingFixture.Validation))
            Assert.Equal(4, same.Step);
        byte[] pixels = [.. samples[1].Image.Pixels];
        pixels[7] ^= 1;
        var changed = new Sample(samples[1].Name, new Image(pixels, samples[1].Image.Height, samples[1].Image.Width, 1), samples[1].Labels);
        var renamed = new Sample("other", samples[2].Image, samples[2].Labels);
        string message = Difference(Set(samples[0], changed, renamed), TrainingFixture.Validation);
        Assert.Contains("1 file changed (synthetic/train/train_0001)", message);
        Assert.Contains("1 file is missing (synthetic/train/train_0002)", message);
        Assert.Contains("1 file is new (synthetic/train/other)", message);
        Assert.Contains("another order", Difference(Set(samples[1], samples[0], samples[2]), TrainingFixture.Validation));
        Assert.Contains("validation", Difference(Set(samples), null));
        // Without the list the hash in the weights still tells.
        File.WriteAllText(folder.DataPath, "{");
        Assert.Contains("trained with other data", Difference(Set(samples[0], changed, samples[2]), TrainingFixture.Validation));
        using (Trainer same = Trainer.Resume(folder, s_options, Set(samples), TrainingFixture.Validation))
            Assert.Equal(4, same.Step);
        Assert.Contains("train_0001", File.ReadAllText(folder.DataPath));
    }

    [Fact]
    public void A_run_is_not_resumed_to_fewer_steps_than_it_has_done()
    {
        RunFolder folder = Train("run", s_options);
        string config = File.ReadAllText(folder.ConfigPath);
        OptionException failure = Assert.Throws<OptionException>(() => Resume(folder, s_options with { Steps = 3 }));
        Assert.Equal("steps is 3, expected at least the 4 steps that the run has done", failure.Message);
        Assert.Contains("epochs is 1, 2 steps",
            Assert.Throws<OptionException>(() => Resume(folder, s_options with { Epochs = 1 })).Message);
        Assert.Equal(config, File.ReadAllText(folder.ConfigPath));
        Resume(folder, s_options).Dispose();
    }

    [Fact]
    public void Runs_of_older_versions_load_and_go_on_to_the_same_numbers()
    {
        RunFolder folder = Train("run", s_options), old = _workshop.NewFolder("old");
        using (var source = new CancellationTokenSource())
        using (Trainer trainer = Trainer.Create(s_options, old, TrainingFixture.Train, TrainingFixture.Validation))
            trainer.Run(new Recorder { AtStep = report => { if (report.Step == 2) source.Cancel(); } }, source.Token);
        OldRun.Make(old);
        Assert.Null(old.LoadIdentity());
        Assert.Equal(2, old.LoadCheckpoint("last").Header.Step);
        using (Trainer trainer = Resume(old, s_options))
            Assert.Equal(4, trainer.Run(cancellation: Token).Step);
        Assert.Null(old.LoadIdentity());
        using SafetensorsFile expected = SafetensorsFile.Read(folder.LastPath), actual = SafetensorsFile.Read(old.LastPath);
        Assert.Equal(expected.ContentHash, actual.ContentHash);
        Edit(old.ConfigPath, text => text[..text.IndexOf("augmentation:", StringComparison.Ordinal)]);
        Assert.Contains("the key 'augmentation' is missing", Assert.Throws<RunException>(old.LoadOptions).Message);
    }

    private sealed class Warnings : ITrainingObserver
    {
        public List<string> Texts { get; } = [];

        public void OnWarning(string message) => Texts.Add(message);
    }

    private RunFolder Train(string name, TrainingOptions options) => trained.Copy(options, _workshop.Path(name));

    private static Trainer Resume(RunFolder folder, TrainingOptions options) =>
        Trainer.Resume(folder, options, TrainingFixture.Train, TrainingFixture.Validation);

    private static string Refused(RunFolder folder) =>
        Assert.ThrowsAny<Exception>(() => Resume(folder, folder.LoadOptions())) is { } failure && failure is IProblem
            ? failure.Message
            : "";

    private static void Edit(string path, Func<string, string> change)
    {
        string text = File.ReadAllText(path), changed = change(text);
        Assert.NotEqual(text, changed);
        File.WriteAllText(path, changed);
    }
}
