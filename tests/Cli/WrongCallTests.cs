using CsUnet.Cli;
using CsUnet.Data;

namespace CsUnet.Tests.Cli;

/// <summary>Refused calls: exit code 2, and one line on standard error that says what is wrong and what would be right.</summary>
public sealed class WrongCallTests
{
    [Theory]
    [InlineData("tran", "train")]
    [InlineData("predcit", "predict")]
    [InlineData("self-test", "selftest")]
    public void Unknown_command_suggests_the_nearest(string typed, string meant) =>
        ProgramRun.Refuses([typed], $"unknown command '{typed}'", $"did you mean '{meant}'?", "see csunet --help");

    [Fact]
    public void Unknown_command_without_neighbour_lists_all() =>
        ProgramRun.Refuses(["xyzzyxyzzy"], "unknown command 'xyzzyxyzzy', expected one of train, check, evaluate, predict, demo, selftest, "
            + "bench, lab, gradcheck, kernels, devices");

    [Fact]
    public void Unknown_subcommand() => ProgramRun.Refuses(["bench", "stpe"], "unknown command 'stpe'", "'step'", "csunet bench --help");

    [Fact]
    public void Missing_subcommand() => ProgramRun.Refuses(["bench"], "a command is missing", "step");

    [Theory]
    [InlineData("train", "--stesp", "--steps")]
    [InlineData("train", "--step", "--steps")]
    [InlineData("train", "--learning_rate", "--learning-rate")]
    [InlineData("train", "--batchsize", "--batch")]
    [InlineData("evaluate", "--spilt", "--split")]
    [InlineData("predict", "--outt", "--out")]
    [InlineData("selftest", "--vector", "--vectors")]
    [InlineData("gradcheck", "--al", "--all")]
    [InlineData("demo", "--sed", "--seed")]
    public void Unknown_option_suggests_the_nearest(string command, string typed, string meant)
    {
        ProgramRun.Refuses([command, typed, "1"], $"unknown option '{typed}'", $"did you mean '{meant}'?", $"see csunet {command} --help");
        ProgramRun.Refuses([command, $"{typed}=1"], $"unknown option '{typed}'");
    }

    [Fact]
    public void Unknown_option_is_not_taken_for_a_file_or_a_value()
    {
        ProgramRun.Refuses(["predict", "image.tif", "--wibble"], "unknown option '--wibble'");
        ProgramRun.Refuses(["train", "--data", "--wibble"], "unknown option '--wibble'");
    }

    [Theory]
    [InlineData("--steps", "x")]
    [InlineData("--steps", "0")]
    [InlineData("--steps", "1.5")]
    [InlineData("--batch", "-1")]
    [InlineData("--lr", "fast")]
    [InlineData("--lr", "nan")]
    [InlineData("--seed", "-1")]
    [InlineData("--class-weights", "1,a,1")]
    [InlineData("--threads", "-2")]
    [InlineData("--intensity", "9,3")]
    [InlineData("--intensity", "-1,-2")]
    [InlineData("--intensity", "brightest")]
    public void Impossible_value_names_option_and_value(string option, string value)
    {
        using var folder = new Workspace();
        string name = option == "--lr" ? "--learning-rate" : option;
        ProgramRun.Refuses(
            ["train", "--out", folder["run"], option, value], name, value.Split(',')[^1] == "1" ? "a" : value, "expected");
        Assert.Empty(folder.Files());
    }

    [Theory]
    [InlineData("100")]
    [InlineData("128x100")]
    [InlineData("0")]
    [InlineData("-32")]
    [InlineData("128x")]
    [InlineData("128x128x128")]
    [InlineData("99999999")]
    [InlineData("big")]
    public void Impossible_size(string size)
    {
        using var folder = new Workspace();
        ProgramRun.Refuses(["train", "--out", folder["run"], "--size", size], "--size", size, "32");
        ProgramRun.Refuses(["bench", "step", "--size", size], "--size", size);
        Assert.Empty(folder.Files());
    }

    [Fact]
    public void Impossible_size_names_the_nearest()
    {
        ProgramRun.Refuses(["bench", "step", "--size", "100"], "--size is '100'", "the nearest is 96");
        ProgramRun.Refuses(["train", "--size", "64x100"], "--size is '64x100'", "the nearest is 64x96");
        ProgramRun.Refuses(["lab", "tune", "--size", "wide"], "--size is 'wide'", "multiples of 32");
    }

    [Theory]
    [InlineData("train", "--model", "cs-unet-mimi", "cs-unet-mini")]
    [InlineData("train", "--optimizer", "adam", "adamw")]
    [InlineData("train", "--device", "cpuu", "cpu")]
    [InlineData("train", "--schedule", "cosin", "cosine")]
    [InlineData("train", "--precision", "bf61", "bf16")]
    [InlineData("evaluate", "--precision", "fp23", "fp32")]
    [InlineData("selftest", "--dtype", "float23", "float32")]
    [InlineData("evaluate", "--checkpoint", "lst", "last")]
    public void Unknown_word_suggests_the_nearest(string command, string option, string value, string meant) =>
        ProgramRun.Refuses([command, option, value], option, value, $"did you mean '{meant}'?");

    [Theory]
    [InlineData("train", "tf32")]
    [InlineData("train", "bf16")]
    [InlineData("evaluate", "bf16")]
    [InlineData("bench step", "tf32")]
    public void The_processor_computes_in_fp32_only(string command, string precision) => ProgramRun.Refuses(
        [.. command.Split(' '), "--device", "cpu", "--precision", precision],
        $"--precision {precision}: the CPU computes in fp32 only");

    [Theory]
    [InlineData("x")]
    [InlineData("0")]
    [InlineData("-3")]
    [InlineData("1.5")]
    public void Impossible_data_bar(string rows) => ProgramRun.Refuses(
        ["predict", "image.png", "--data-bar", rows], $"--data-bar {rows}: expected auto, none, or a number of rows from 1 up");

    [Fact]
    public void A_range_needs_files()
    {
        using var folder = new Workspace();
        ProgramRun.Refuses(["train", "--intensity", "0,4095", "--out", folder["run"]], "--intensity is '0,4095', but data is not set");
        Assert.Empty(folder.Files());
    }

    [Fact]
    public void Missing_value() => ProgramRun.Refuses(["train", "--steps"], "--steps: a value is missing", "csunet train --help");

    [Fact]
    public void Repeated_option() => ProgramRun.Refuses(["train", "--steps", "1", "--steps", "2"], "--steps: given more than once");

    [Fact]
    public void Predict_without_files() => ProgramRun.Refuses(["predict"], "FILE_OR_DIR", "missing");

    [Fact]
    public void Steps_and_epochs_together() => ProgramRun.Refuses(["train", "--steps", "5", "--epochs", "1"], "--steps", "--epochs");

    [Fact]
    public void One_pixel_of_deepest_features()
    {
        using var folder = new Workspace();
        ProgramRun.Refuses(["train", "--size", "32", "--batch", "1", "--out", folder["run"]], "--size 32", "--batch 1");
        Assert.Empty(folder.Files());
    }

    [Fact]
    public void More_than_the_machines_memory()
    {
        using var folder = new Workspace();
        string config = folder.Write("large.yaml", "embed_dim: 4096\ndepths: [100, 100, 100, 100]\n");
        ProgramRun.Refuses(["train", "--config", config, "--out", folder["run"]], "GiB of memory");
        ProgramRun.Refuses(["train", "--size", "8192", "--batch", "65536", "--out", folder["run"]], "GiB of memory", "take a smaller size");
        ProgramRun.Refuses(["bench", "step", "--model", "cs-unet-mini", "--size", "1024", "--batch", "4096"], "--batch 4096", " memory");
        Assert.Equal(["large.yaml"], folder.Files());
    }

    [Fact]
    public void Problems_of_all_splits_are_listed_at_once()
    {
        using var folder = new Workspace();
        SyntheticMicrographs.WriteTo(folder["set"], train: 2, validation: 1, test: 1, height: 64, width: 64, seed: 1);
        string[] broken =
            [.. new[] { "train", "val", "test" }.Select(split => folder[Path.Combine("set", $"{split}_annot", $"{split}_0000_mask.png")])];
        foreach (string file in broken)
        {
            Assert.True(File.Exists(file), file);
            File.WriteAllText(file, "");
        }
        ProgramRun run = ProgramRun.Of("train", "--data", folder["set"], "--classes", "nasa-super", "--size", "32", "--out", folder["run"]);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("3 problems", run.Error);
        foreach (string file in broken)
            Assert.Contains($"{file}: the file is empty", run.Error);
        Assert.False(Directory.Exists(folder["run"]));
    }

    [Fact]
    public void Missing_data_folder()
    {
        using var folder = new Workspace();
        ProgramRun.Refuses(["train", "--data", folder["nowhere"], "--classes", "nasa-super", "--out", folder["run"]], folder["nowhere"]);
        Assert.Empty(folder.Files());
    }

    [Fact]
    public void Missing_run()
    {
        using var folder = new Workspace();
        ProgramRun.Refuses(["evaluate", "--run", folder["nowhere"]], folder["nowhere"]);
        ProgramRun.Refuses(["predict", "--run", folder["nowhere"], "x.png"], folder["nowhere"]);
        ProgramRun.Refuses(["train", "--resume", "--run", folder["nowhere"]], folder["nowhere"]);
        Assert.Empty(folder.Files());
    }

    [Fact]
    public void Split_that_is_no_name() =>
        ProgramRun.Refuses(["evaluate", "--split", "../train"], "--split is '../train'", "such as test");

    [Theory]
    [InlineData("train", "--out", "")]
    [InlineData("train", "--data", "")]
    [InlineData("train", "--classes", " ")]
    [InlineData("train", "--config", "")]
    [InlineData("train", "--augment", "")]
    [InlineData("train", "--steps", "")]
    [InlineData("evaluate", "--run", "")]
    [InlineData("evaluate", "--split", "")]
    [InlineData("predict", "FILE_OR_DIR", "")]
    [InlineData("demo", "--out", "")]
    [InlineData("selftest", "--vectors", "")]
    [InlineData("selftest", "--filter", "")]
    public void An_empty_value_is_refused(string command, string option, string value) => ProgramRun.Refuses(
        option[0] == '-' ? [command, option, value] : [command, value], option, "the value is empty");

    [Fact]
    public void A_folder_is_no_file()
    {
        using var folder = new Workspace();
        foreach (string option in new[] { "--config", "--classes", "--augment" })
            ProgramRun.Refuses(["train", "--size", "32", option, folder.Root], folder.Root, "is a folder");
        ProgramRun.Refuses(["bench", "compare", folder.Root, folder.Root], folder.Root, "is a folder");
    }

    [Fact]
    public void A_variant_that_no_operator_has_here()
    {
        ProgramRun.Refuses(["lab", "check", "--op", "relu", "--variant", "x", "--device", "cpu"], "--variant x", "one way only");
        ProgramRun.Refuses(["lab", "tune", "--op", "relu", "--variant", "x", "--device", "cpu"], "--variant x", "one way only");
        ProgramRun.Refuses(["lab", "tune", "--op", "linear", "--variant", "x", "--device", "cpu"], "--variant x", "reference");
    }

    [Fact]
    public void A_huge_or_hostile_value_is_shown_short_and_plain()
    {
        foreach (string option in new[] { "--steps", "--model", "--data", "--split", "--size", "--seed" })
        {
            string command = option == "--split" ? "evaluate" : "train";
            ProgramRun run = ProgramRun.Of(command, option, "\u001b[2J\nerror: forged\u202e" + new string('9', 100_000));
            Assert.Equal(ExitCode.Usage, run.Code);
            Assert.True(run.Error.Length < 4000, $"{option}: {run.Error.Length} characters");
            Assert.Equal(CsUnet.Tensors.PlainText.Of(run.Error[..^1]), run.Error[..^1]);
        }
    }

    [Fact]
    public void Missing_vectors()
    {
        using var folder = new Workspace();
        ProgramRun.Refuses(["selftest", "--vectors", folder["nowhere"]], "--vectors", folder["nowhere"]);
        ProgramRun.Refuses(["selftest", "--vectors", folder.Root], folder.Root, "*.safetensors");
        ProgramRun.Refuses(["selftest", "--device", "cuda:emulated", "--dtype", "float64"], "--dtype float64", "float32",
            "--device cuda:emulated");
        ProgramRun.Refuses(["selftest", "--quick", "--all"], "--quick", "--all");
    }

    [Theory]
    [InlineData("steps: [1", "line ", "not valid YAML")]
    [InlineData("stesp: 5", "stesp", "did you mean 'steps'?")]
    [InlineData("model: cs-unet-mini\nsteps: many", "line 2", "steps", "many")]
    [InlineData("- a\n- b", "the root is a list, expected a mapping of keys to values")]
    public void Bad_configuration_file(string yaml, params string[] parts)
    {
        using var folder = new Workspace();
        string file = folder.Write("config.yaml", yaml);
        ProgramRun.Refuses(["train", "--config", file, "--out", folder["run"]], [file, .. parts]);
        Assert.Equal(["config.yaml"], folder.Files());
    }

    [Fact]
    public void Missing_configuration_file() => ProgramRun.Refuses(["train", "--config", "no-such.yaml"], "no-such.yaml");
}
