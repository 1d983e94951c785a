using CsUnet.Cli;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Tests.Cli;
using CsUnet.Training;

namespace CsUnet.Tests.Robustness;

/// <summary>What would fail after the work is refused before it: exit code 2, one line, and nothing is left behind.</summary>
public sealed class CheckedBeforeTests(TrainedRun trained) : IClassFixture<TrainedRun>, IDisposable
{
    private static readonly string[] s_tiny = [.. ChildProgram.TinyTraining.Split(' '), "--steps", "2"];

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("--tile-stride", "33")]
    [InlineData("--validation-stride", "64")]
    public void A_stride_beyond_the_tile_is_refused_before_the_training(string option, string value)
    {
        ProgramRun.Refuses([.. s_tiny, option, value, "--out", _workspace["run"]], $"{option} is {value}", "expected at most 32");
        Assert.False(Directory.Exists(_workspace["run"]));
    }

    [Fact]
    public void A_stored_stride_that_is_too_large_is_replaced_by_the_option_that_the_message_names()
    {
        string run = Copy(trained.Folder);
        string config = Path.Combine(run, "config.yaml");
        File.WriteAllText(config, File.ReadAllText(config).Replace("tile_stride: 0", "tile_stride: 65", StringComparison.Ordinal));
        Assert.Contains("tile_stride: 65", File.ReadAllText(config));
        string image = Directory.GetFiles(Path.Combine(trained.Data, "test"))[0];
        ProgramRun.Refuses(["train", "--resume", "--run", run, "--steps", "4", "--device", "cpu"], "--tile-stride is 65");
        ProgramRun.Refuses(["evaluate", "--run", run, "--device", "cpu"], "tile_stride is 65", "give --stride");
        ProgramRun.Refuses(["predict", image, "--run", run, "--out", _workspace["out"], "--device", "cpu"], "give --stride");
        string[] valid = ["--run", run, "--stride", "64", "--device", "cpu"];
        Assert.Equal(0, ProgramRun.Of(["predict", image, "--out", _workspace["out"], .. valid]).Code);
        Assert.Equal(0, ProgramRun.Of(["evaluate", .. valid]).Code);
    }

    [Theory]
    [InlineData("bench step --json")]
    [InlineData("lab bench --csv")]
    [InlineData("lab bench --json")]
    [InlineData("lab report --out")]
    [InlineData("gradcheck --json")]
    [InlineData("gradcheck --report")]
    [InlineData("kernels profile --csv")]
    [InlineData("lab project --gpu h200 --json")]
    public void A_result_that_cannot_be_written_is_refused_before_the_work(string call)
    {
        string[] args = call.Split(' ');
        string file = _workspace.Write("file", "");
        ProgramRun.Refuses([.. args, _workspace.Root], args[^1], "this is a folder", "expected a file");
        ProgramRun.Refuses([.. args, ""], args[^1], "the value is empty");
        ProgramRun.Refuses([.. args, Path.Combine(file, "result")], args[^1], "is a file", "expected a folder");
        Assert.Equal(["file"], _workspace.Files());
    }

    [Theory]
    [InlineData("train --out")]
    [InlineData("demo --out")]
    [InlineData("selftest --write")]
    [InlineData("predict x.png --out")]
    public void A_folder_that_cannot_be_made_is_refused_before_the_work(string call)
    {
        string[] args = call.Split(' ');
        ProgramRun.Refuses([.. args, ""], args[^1], "the value is empty");
        ProgramRun.Refuses([.. args, Path.Combine(_workspace.Write("file", ""), "run")], args[^1], "is a file", "expected a folder");
        Assert.Equal(["file"], _workspace.Files());
    }

    [Fact]
    public void More_threads_than_help_are_refused()
    {
        string many = $"{Workers.Largest + 1}";
        foreach (string call in (string[])["train", "demo", "selftest", "bench step", "evaluate"])
            ProgramRun.Refuses([.. call.Split(' '), "--threads", many], $"--threads {many}", $"at most {Workers.Largest}");
    }

    [Fact]
    public void A_batch_beyond_the_memory_is_refused_with_the_one_that_fits()
    {
        ProgramRun.Refuses(["train", "--batch", "60000", "--device", "cpu", "--out", _workspace["run"]],
            "a training step of batch 60000 needs about", "GiB of memory", "fits");
        ProgramRun.Refuses(["bench", "step", "--batch", "4096", "--size", "1024", "--device", "cpu"], "needs about", "fits");
        Assert.False(Directory.Exists(_workspace["run"]));
    }

    [Theory]
    [InlineData("examples")]
    [InlineData("report.html")]
    public void A_finished_training_is_one_though_its_report_cannot_be_written(string name)
    {
        string run = Copy(trained.Folder);
        if (name == "examples")
            File.WriteAllText(Path.Combine(run, name), "");
        else
        {
            File.Delete(Path.Combine(run, name));
            Directory.CreateDirectory(Path.Combine(run, name, "in the way"));
        }
        ProgramRun training = ProgramRun.Of("train", "--resume", "--run", run, "--steps", "4", "--device", "cpu");
        Assert.Equal(1, training.Code);
        Assert.Contains("completed after step 4", training.Out);
        Assert.Contains("weights: ", training.Out);
        Assert.StartsWith("error: the weights are saved, but not what describes them: ", training.Error);
        Assert.Contains(Path.Combine(run, name), training.Error);
        Assert.Single(training.Error.TrimEnd('\n').Split('\n'));
        Assert.Equal(("completed", 4), (RunRecord.Load(RunFolder.Open(run)).Outcome, RunRecord.Load(RunFolder.Open(run)).Step));
    }

    [Fact]
    public void An_image_that_is_too_large_for_the_memory_is_the_error_of_one_image()
    {
        ChildProgram.Require();
        ImageFile.WritePng(_workspace["b.png"], new Image(new byte[6000 * 6000], 6000, 6000, 1));
        foreach (string name in (string[])["a.png", "c.png"])
            ImageFile.WritePng(_workspace[name], new Image(new byte[64 * 64], 64, 64, 1));
        string images = string.Join(' ', new[] { "a", "b", "c" }.Select(name => $"'{_workspace[$"{name}.png"]}'"));
        ProgramRun run = ChildProgram.Run(
            $"predict {images} --run '{trained.Folder}' --out '{_workspace["out"]}' --device cpu", "DOTNET_GCHeapHardLimit=0x4000000 ");
        Assert.Equal(1, run.Code);
        Assert.StartsWith($"error: {_workspace["b.png"]}: it is too large for the memory",
            Assert.Single(run.Error.Split('\n'), line => line.StartsWith("error: ", StringComparison.Ordinal)));
        Assert.Contains("2 of 3 images labelled", run.Out);
        string fractions = File.ReadAllText(_workspace["out/fractions.csv"]);
        Assert.Contains("a.png", fractions);
        Assert.Contains("c.png", fractions);
        Assert.DoesNotContain("b.png", fractions);
        Assert.DoesNotContain(_workspace.Files("out"), file => file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    private string Copy(string folder)
    {
        foreach (string file in Directory.GetFiles(folder))
            File.Copy(file, Path.Combine(Directory.CreateDirectory(_workspace["copy"]).FullName, Path.GetFileName(file)));
        return _workspace["copy"];
    }
}
