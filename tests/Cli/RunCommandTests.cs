using System.Text.Json;
using CsUnet.Cli;
using CsUnet.Data;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Cli;

/// <summary>
/// Runs cannot fool their user: data are known by content, evaluations lie side by side, and only files of the program are replaced.
/// </summary>
public sealed class RunCommandTests : IDisposable
{
    private static readonly string[] s_tiny = ["--model", "cs-unet-mini", "--size", "32", "--batch", "2", "--embed-dim", "8",
        "--encoder-width", "8", "--warm-up", "1", "--device", "cpu"];

    private readonly Workspace _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_run_goes_on_with_the_same_data_in_another_folder_and_without_its_class_file()
    {
        string classes = _folder.Write("c.yaml", ClassMap.NasaSuper.ToYaml());
        Make("set");
        Succeeds("train", "--data", _folder["set"], "--classes", classes, "--steps", "2", "--out", _folder["run"]);
        File.Delete(classes);
        Directory.Move(_folder["set"], _folder["moved"]);
        string[] resume = ["train", "--resume", "--run", _folder["run"]];
        ProgramRun.Refuses([.. resume, "--steps", "3"], $"{_folder["set"]}: no such folder", "by --data");
        ProgramRun.Refuses(["evaluate", "--run", _folder["run"]], $"{_folder["set"]}: no such folder", "by --data");
        Assert.Contains("changed from here on: data, steps\n",
            Succeeds([.. resume, "--data", _folder["moved"], "--steps", "3"]).Out);
        // Another file of the same classes is another path; other classes are refused.
        Succeeds([.. resume, "--classes", "nasa-super"]);
        ProgramRun other = ProgramRun.Of([.. resume, "--classes", _folder.Write("d.yaml",
            ClassMap.NasaSuper.ToYaml().Replace("\"tertiary\"", "\"other\"", StringComparison.Ordinal))]);
        Assert.Equal(ExitCode.Failure, other.Code);
        Assert.Contains("it was trained with the classes", other.Error);
        Succeeds("evaluate", "--run", _folder["run"]);
        Succeeds("predict", "--run", _folder["run"], _folder["moved/test"], "--out", _folder["p"]);
        ProgramRun.Refuses([.. resume, "--steps", "2"], "--steps is 2, expected at least the 3 steps that the run has done");

        File.AppendAllText(_folder["moved/train_annot/train_0001_mask.png"], "x");
        File.Move(_folder["moved/val/val_0000.png"], _folder["moved/val/renamed.png"]);
        File.Move(_folder["moved/val_annot/val_0000_mask.png"], _folder["moved/val_annot/renamed_mask.png"]);
        ProgramRun.Refuses([.. resume, "--steps", "4"], $"{_folder["moved"]}: these are not the data that the run was trained with",
            "1 file changed (train_annot/train_0001_mask.png)", "2 files are missing (val/val_0000.png, val_annot/val_0000_mask.png)",
            "2 files are new (val/renamed.png, val_annot/renamed_mask.png)", "--data");
        ProgramRun.Refuses([.. resume, "--data", "synthetic"], "synthetic micrographs: these are not the data");
        Assert.Contains("steps: 3 ", File.ReadAllText(_folder["run/config.yaml"]));
    }

    [Fact]
    public void A_run_of_an_older_version_keeps_the_path_of_its_data()
    {
        Make("set");
        Succeeds("train", "--data", _folder["set"], "--classes", "nasa-super", "--steps", "2", "--out", _folder["run"]);
        OldRun.Make(RunFolder.Open(_folder["run"]));
        Directory.Move(_folder["set"], _folder["moved"]);
        ProgramRun.Refuses(["train", "--resume", "--run", _folder["run"], "--data", _folder["moved"]], "--data", "older version");
        Directory.Move(_folder["moved"], _folder["set"]);
        ProgramRun run = Succeeds("train", "--resume", "--run", _folder["run"], "--steps", "3");
        Assert.DoesNotContain("another run", run.Out);
        Succeeds("evaluate", "--run", _folder["run"]);
    }

    [Fact]
    public void Evaluations_lie_side_by_side_and_say_what_they_measured()
    {
        Make("set");
        Make("other", seed: 4);
        Succeeds("train", "--data", _folder["set"], "--classes", "nasa-super", "--steps", "2", "--out", _folder["run"]);
        // A file of an older version.
        string old = _folder["run/evaluation-old.json"];
        Succeeds("evaluate", "--run", _folder["run"]);
        string first = Assert.Single(Directory.GetFiles(_folder["run"], "evaluation-*.json"));
        Evaluation evaluation = Evaluation.Load(first);
        new Evaluation(evaluation.ClassNames, evaluation.Images).Save(old);
        byte[] bytes = File.ReadAllBytes(first);

        Succeeds("evaluate", "--run", _folder["run"]);
        Assert.Equal(bytes, File.ReadAllBytes(first));
        Succeeds("evaluate", "--run", _folder["run"], "--stride", "8");
        Succeeds("evaluate", "--run", _folder["run"], "--checkpoint", "best");
        Succeeds("evaluate", "--run", _folder["run"], "--data", _folder["other"]);
        Succeeds("evaluate", "--run", _folder["run"], "--split", "val");
        Succeeds("train", "--resume", "--run", _folder["run"], "--steps", "3");
        Succeeds("evaluate", "--run", _folder["run"]);
        string[] files = Directory.GetFiles(_folder["run"], "evaluation-*.json");
        Assert.Equal(7, files.Length);
        Assert.Equal(bytes, File.ReadAllBytes(first));
        EvaluationOrigin origin = evaluation.Origin!;
        Assert.Equal(("test", "last", 2, 16, "cpu", _folder["set"]),
            (origin.Split, origin.Checkpoint, origin.Step, origin.Stride, origin.Device, origin.Data));
        var options = new TrainingOptions { Data = _folder["set"], Classes = "nasa-super" };
        Assert.Equal(RunData.Open(options, "test", intensity: null).Content.Hash, origin.Content);
        Assert.Equal(RunFolder.Open(_folder["run"]).LoadIdentity(), origin.Run);
        Assert.Equal(Path.GetFileName(first), origin.FileName());
        string html = File.ReadAllText(_folder["run/report.html"]);
        foreach (string part in new[] { "<h2>Evaluations</h2>", "Evaluation on old (",
            "Evaluation on test, last weights of step 2, stride 16", "Evaluation on test, last weights of step 2, stride 8",
            "Evaluation on test, best weights of step 2",
            "Evaluation on test, last weights of step 3", "Evaluation on val, last weights of step 2", _folder["other"] })
            Assert.Contains(part, html);
    }

    // The folder of a run as somebody sent it.
    [Fact]
    public void Evaluate_follows_no_link_in_the_folder_of_a_run()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a privilege on Windows");
        Make("set");
        Succeeds("train", "--data", _folder["set"], "--classes", "nasa-super", "--steps", "2", "--out", _folder["run"]);
        Succeeds("evaluate", "--run", _folder["run"]);
        string evaluation = Path.GetFileName(Assert.Single(Directory.GetFiles(_folder["run"], "evaluation-*.json")));
        string[] names = [evaluation, "report.html", "loss.svg", "iou.svg"];
        foreach (string name in names.Concat(names.Select(name => $"{name}.tmp")))
        {
            string link = _folder[Path.Combine("run", name)];
            File.Delete(link);
            File.CreateSymbolicLink(link, _folder.Write(Path.Combine("victims", name), "mine"));
        }
        Succeeds("evaluate", "--run", _folder["run"]);
        Assert.Equal(8, _folder.Files("victims").Count);
        Assert.All(_folder.Files("victims"), name => Assert.Equal("mine", File.ReadAllText(_folder[Path.Combine("victims", name)])));
        Assert.All(names, name => Assert.Null(new FileInfo(_folder[Path.Combine("run", name)]).LinkTarget));
    }

    [Fact]
    public void Train_leaves_a_folder_with_files_of_others_as_it_is()
    {
        Make("set");
        string classes = _folder.Write("proj/classes.yaml", ClassMap.NasaSuper.ToYaml() + "# mine\n");
        foreach (string name in new[] { "examples/thesis.txt", "thesis.docx.tmp", "report.html", "run.json", "metrics.csv", "loss.svg",
            "best.safetensors" })
            _folder.Write(Path.Combine("proj", name), "mine");
        string[] before = [.. _folder.Files("proj").Select(name => File.ReadAllText(_folder[Path.Combine("proj", name)]))];
        string[] call = ["--data", _folder["set"], "--classes", classes, "--steps", "2", "--out", _folder["proj"]];
        ProgramRun.Refuses(["train", .. call, .. s_tiny], $"{_folder["proj"]}: holds files of something else (", "a new or empty folder");
        ProgramRun.Refuses(["demo", "--out", _folder["proj"]], $"{_folder["proj"]}: holds files of something else (");
        Assert.Equal(before, _folder.Files("proj").Select(name => File.ReadAllText(_folder[Path.Combine("proj", name)])));
    }

    [Fact]
    public void Examples_of_others_and_links_are_kept()
    {
        Make("set");
        Succeeds("train", "--data", _folder["set"], "--classes", "nasa-super", "--steps", "2", "--out", _folder["run"]);
        string mine = _folder.Write("run/examples/mine/thesis.txt", "mine");
        Succeeds("train", "--resume", "--run", _folder["run"], "--steps", "3");
        Assert.Equal("mine", File.ReadAllText(mine));
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a privilege on Windows");
        Directory.Move(_folder["run/examples"], _folder["elsewhere"]);
        Directory.CreateSymbolicLink(_folder["run/examples"], _folder["elsewhere"]);
        Dictionary<string, DateTime> before =
            Directory.GetFiles(_folder["elsewhere"]).ToDictionary(path => path, File.GetLastWriteTimeUtc);
        Assert.Contains("no examples are written there", Succeeds("train", "--resume", "--run", _folder["run"], "--steps", "4").Out);
        Assert.All(before, file => Assert.Equal(file.Value, File.GetLastWriteTimeUtc(file.Key)));
    }

    [Theory]
    [InlineData("train", "--data")]
    [InlineData("train", "--classes")]
    [InlineData("train", "--subset")]
    [InlineData("train", "--config")]
    [InlineData("train", "--out")]
    [InlineData("train", "--model")]
    [InlineData("train", "--encoder")]
    [InlineData("train", "--augment")]
    [InlineData("train", "--device")]
    [InlineData("evaluate", "--run")]
    [InlineData("evaluate", "--data")]
    [InlineData("evaluate", "--checkpoint")]
    [InlineData("predict", "--out")]
    [InlineData("selftest", "--vectors")]
    [InlineData("lab bench", "--json")]
    public void An_empty_value_is_an_error(string command, string option)
    {
        foreach (string value in new[] { "", " " })
            ProgramRun.Refuses([.. command.Split(' '), option, value, .. command == "predict" ? ["x.png"] : Array.Empty<string>()], option);
    }

    [Fact]
    public void Empty_values_of_files_and_arguments_are_errors()
    {
        ProgramRun.Refuses(["predict", ""], "FILE_OR_DIR");
        string config = _folder.Write("c.yaml", "data: \"\"\nsteps: 2\n");
        ProgramRun.Refuses(["train", "--config", config, "--out", _folder["run"]], "data is ''");
        Assert.Equal(["c.yaml"], _folder.Files());
    }

    [Fact]
    public void Synthetic_micrographs_are_asked_for_by_name_if_classes_are_given()
    {
        ProgramRun.Refuses(["train", "--classes", "nasa-super", "--out", _folder["run"], .. s_tiny], "--classes nasa-super",
            "--data synthetic");
        string config = _folder.Write("c.yaml", "classes: nasa-super\n");
        ProgramRun.Refuses(["train", "--config", config, "--out", _folder["run"], .. s_tiny], "--data synthetic");
        var options = new TrainingOptions { Data = RunData.SyntheticName, Classes = "nasa-super" };
        Assert.Equal(RunData.Open(new TrainingOptions(), "train", intensity: null).Content.Hash,
            RunData.Open(options, "train", intensity: null).Content.Hash);
        Assert.NotNull(RunData.OpenValidation(options, intensity: null));
        Assert.SkipUnless(TestFiles.RunsAll, "Skipped: its second part takes seconds; CSUNET_TEST_ALL=1 runs it");
        ProgramRun run = Succeeds("train", "--data", "synthetic", "--classes", "nasa-super", "--steps", "1", "--out", _folder["run"]);
        Assert.Contains("data: synthetic micrographs;", run.Out);
        Succeeds("train", "--resume", "--run", _folder["run"], "--steps", "2");
    }

    [Theory]
    [InlineData("20", "no step has the whole learning rate")]
    [InlineData("2", "only its last step has the whole learning rate")]
    [InlineData("1", null)]
    public void A_run_that_is_not_longer_than_its_warm_up_says_so(string warmUp, string? note)
    {
        Make("set");
        ProgramRun run = ProgramRun.Of(["train", "--data", _folder["set"], "--classes", "nasa-super", "--steps", "2", "--out",
            _folder["run"], .. s_tiny[..^4], "--warm-up", warmUp, "--device", "cpu"]);
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Assert.Equal(note is not null, run.Out.Contains("note: the warm-up takes", StringComparison.Ordinal));
        Assert.Contains(note ?? "", run.Out);
    }

    [Fact]
    public void A_record_of_another_run_does_not_stop_the_run()
    {
        Make("set");
        Succeeds("train", "--data", _folder["set"], "--classes", "nasa-super", "--steps", "2", "--out", _folder["run"]);
        Succeeds("train", "--data", _folder["set"], "--classes", "nasa-super", "--steps", "2", "--seed", "1", "--out", _folder["other"]);
        File.Copy(_folder["other/run.json"], _folder["run/run.json"], overwrite: true);
        Assert.Contains("run.json was written by another run", Succeeds("train", "--resume", "--run", _folder["run"], "--steps", "3").Out);
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(_folder["run/run.json"]));
        Assert.Equal(RunFolder.Open(_folder["run"]).LoadIdentity(), record.RootElement.GetProperty("run").GetString());
    }

    [Fact]
    public void Predictions_are_added_to_a_folder_and_replace_only_predictions()
    {
        Make("set");
        Succeeds("train", "--data", _folder["set"], "--classes", "nasa-super", "--steps", "1", "--out", _folder["run"]);
        string output = _folder["p"], fractions = _folder["p/fractions.csv"];
        string[] Predict(string images) => ["predict", "--run", _folder["run"], _folder[images], "--out", output, "--device", "cpu"];
        Assert.Equal(ExitCode.Success, ProgramRun.Of(Predict("set/test")).Code);
        string[] first = File.ReadAllLines(fractions);
        Assert.Equal(ExitCode.Success, ProgramRun.Of(Predict("set/val")).Code);
        string[] both = File.ReadAllLines(fractions);
        Assert.Equal(first, both.Take(first.Length));
        Assert.Equal(first.Length + 3, both.Length);
        ProgramRun again = ProgramRun.Of(Predict("set/test"));
        Assert.Contains("earlier results of 1 image name replaced", again.Out);
        Assert.Equal(both.Order(), File.ReadAllLines(fractions).Order());

        // Versions that did not mark their PNG files listed them in the table.
        string label = _folder["p/test_0000_label.png"];
        File.WriteAllText(label, "of an older version");
        Assert.Equal(ExitCode.Success, ProgramRun.Of(Predict("set/test")).Code);
        Assert.NotEqual("of an older version", File.ReadAllText(label));
        File.Delete(fractions);
        File.WriteAllText(label, "mine");
        ProgramRun.Refuses(Predict("set/test"), label, "was not written by a prediction", "--out");
        Assert.Equal("mine", File.ReadAllText(label));
        File.Delete(label);
        File.WriteAllText(fractions, "a table of mine\n");
        ProgramRun.Refuses(Predict("set/test"), fractions, "does not begin with 'file,class,fraction'");
        Assert.Equal("a table of mine\n", File.ReadAllText(fractions));
    }

    private void Make(string name, ulong seed = 3) =>
        SyntheticMicrographs.WriteTo(_folder[name], train: 3, validation: 1, test: 1, height: 64, width: 64, seed: seed);

    private static ProgramRun Succeeds(params string[] args)
    {
        bool isNew = args[0] == "train" && !args.Contains("--resume");
        ProgramRun run = ProgramRun.Of([.. args, .. isNew ? s_tiny : ["--device", "cpu"]]);
        Assert.True(run.Code == ExitCode.Success, run.Error);
        return run;
    }
}
