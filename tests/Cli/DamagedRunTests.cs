using CsUnet.Cli;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Tests.Cli;

/// <summary>Runs with damaged files that they do not need, and names that would control a terminal or start a formula.</summary>
public sealed class DamagedRunTests : IDisposable
{
    private readonly Workspace _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Damaged_files_that_a_run_does_not_need_stop_nothing()
    {
        string run = _folder["run"], record = Path.Combine(run, "run.json"), metrics = Path.Combine(run, "metrics.csv");
        Train(_folder["set"], "nasa-super", run);
        string broken = File.ReadAllText(metrics).Replace("\n1,1,", "\n99999999999,1,", StringComparison.Ordinal);
        File.WriteAllText(metrics, broken);
        File.WriteAllText(record, "{\"step\": 1");
        ProgramRun resumed = ProgramRun.Of("train", "--resume", "--run", run, "--steps", "3", "--device", "cpu");
        Assert.True(resumed.Code == ExitCode.Success, resumed.Error);
        string warning = Assert.Single(resumed.Error.Split('\n'),
            line => line.StartsWith($"warning: {record}", StringComparison.Ordinal));
        Assert.Contains($"kept as {record}.damaged", warning);
        warning = resumed.Out.Split('\n').Single(text => text.StartsWith("warning: ", StringComparison.Ordinal));
        Assert.Contains($"{metrics}: line 2 is damaged (", warning);
        Assert.Contains($"kept as {metrics}.damaged", warning);
        Assert.Equal(broken, File.ReadAllText($"{metrics}.damaged"));
        Assert.Equal([2, 3], MetricsLog.Read(metrics).Select(row => row.Step));
        Assert.Equal((3, "completed"), (RunRecord.Load(RunFolder.Open(run)).Step, RunRecord.Load(RunFolder.Open(run)).Outcome));

        string[] damaged = ["run.json", "metrics.csv", "classes.yaml", "evaluation-older.json"];
        foreach (string name in damaged)
            File.WriteAllText(Path.Combine(run, name), "\0");
        ProgramRun evaluated = ProgramRun.Of("evaluate", "--run", run, "--split", "val", "--device", "cpu");
        Assert.True(evaluated.Code == ExitCode.Success, evaluated.Error);
        // The warnings come before the computation, each once.
        Assert.Equal(damaged.Order(StringComparer.Ordinal), evaluated.Error.Split('\n')
            .Where(text => text.Contains(run, StringComparison.Ordinal)).Select(text => damaged.Single(name =>
            text.StartsWith($"warning: {Path.Combine(run, name)}", StringComparison.Ordinal))).Order(StringComparer.Ordinal));
        Assert.Contains("report.html", evaluated.Out);
        Assert.Contains("start unknown", File.ReadAllText(Path.Combine(run, "report.html")));
        Assert.Single(Directory.GetFiles(run, "evaluation-val-*.json"));
    }

    // A class whose name has line separators, a direction override and markup: nothing that is written fails to read back, and nothing
    // that is shown controls the terminal.
    [Fact]
    public void Hostile_names_go_through_a_whole_run()
    {
        const string escape = "\"=a\\Lb\\u202e\\U000E0041 [red]<i>\"";
        string classes = _folder.Write(
            "c\n[b].yaml", ClassMap.NasaSuper.ToYaml().Replace("\"matrix\"", escape, StringComparison.Ordinal));
        Assert.Contains($"name: {escape}", File.ReadAllText(classes));
        string run = _folder["r\nun"], set = _folder["s\u2028e\u0085t\n\u001b[31m [red]"], image = _folder["=1+\n2.png"];
        ProgramRun trained = Train(set, classes, run);
        File.Copy(Directory.GetFiles(Path.Combine(set, "test"))[0], image);
        ProgramRun[] runs =
        [
            trained, ProgramRun.Of("train", "--resume", "--run", run, "--steps", "3", "--device", "cpu"),
            ProgramRun.Of("evaluate", "--run", run, "--device", "cpu"),
            ProgramRun.Of("predict", "--run", run, "--out", _folder["p"], "--device", "cpu", image),
        ];
        foreach (ProgramRun call in runs)
        {
            Assert.True(call.Code == ExitCode.Success, call.Error);
            Assert.Equal(PlainText.Lines(call.Out), call.Out);
            Assert.DoesNotContain("\n2.png", call.Out);
        }
        Assert.Contains("'=1+\\n2.png,'=a\\u2028b\\u202e\\U000e0041 [red]<i>,", File.ReadAllText(_folder["p/fractions.csv"]));
        string page = File.ReadAllText(Path.Combine(run, "report.html"));
        Assert.DoesNotContain("\u202e", page);
        Assert.Contains("=a\\u2028b\\u202e\\U000e0041 [red]&lt;i&gt;", page);

        string forged = _folder.Write("a\nerror: forged\u001b[2J.png", "no image");
        ProgramRun refused = ProgramRun.Of("predict", "--run", run, "--out", _folder["p"], "--device", "cpu", forged);
        Assert.Equal(ExitCode.Failure, refused.Code);
        Assert.Contains("a\\nerror: forged\\u001b[2J.png", Assert.Single(refused.Error.TrimEnd('\n').Split('\n')));
    }

    private static ProgramRun Train(string set, string classes, string run)
    {
        SyntheticMicrographs.WriteTo(set, train: 2, validation: 1, test: 1, height: 64, width: 64, seed: 3);
        ProgramRun trained = ProgramRun.Of("train", "--data", set, "--classes", classes, "--model", "cs-unet-mini", "--size", "32",
            "--batch", "2", "--embed-dim", "8", "--encoder-width", "8", "--steps", "2", "--device", "cpu", "--out", run);
        Assert.True(trained.Code == ExitCode.Success, trained.Error);
        return trained;
    }
}
