using CsUnet.Cli;
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
        Assert.Equal(0, ProgramRun.Of("predict", image, "--run", run, "--out", _workspace["out"], "--stride", "64", "--device", "cpu").Code);
        Assert.Equal(0, ProgramRun.Of("evaluate", "--run", run, "--stride", "64", "--device", "cpu").Code);
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
        ProgramRun.Refuses([.. args, ""], args[^1], "the name is empty");
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
        ProgramRun.Refuses([.. args, ""], args[^1], "the name is empty");
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

    private string Copy(string folder)
    {
        foreach (string file in Directory.GetFiles(folder))
            File.Copy(file, Path.Combine(Directory.CreateDirectory(_workspace["copy"]).FullName, Path.GetFileName(file)));
        return _workspace["copy"];
    }
}
