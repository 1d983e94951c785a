using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using CsUnet.Cli;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Cli;

/// <summary>The commands from end to end, on data small enough to run in seconds.</summary>
public sealed class EndToEndTests(TrainedRun trained) : IClassFixture<TrainedRun>
{
    [Fact]
    public void Train_leaves_a_complete_run_folder()
    {
        Assert.True(trained.Training.Code == ExitCode.Success, trained.Training.Error);
        Assert.Empty(trained.Training.Error);
        foreach (string file in new[] { "config.yaml", "classes.yaml", "metrics.csv", "run.json", "loss.svg", "iou.svg", "report.html",
            "last.safetensors", "best.safetensors" })
            Assert.True(File.Exists(Path.Combine(trained.Folder, file)), file);
        Assert.DoesNotContain(Directory.EnumerateFiles(trained.Folder, "*", SearchOption.AllDirectories), file =>
            file.EndsWith(".tmp", StringComparison.Ordinal));
        Assert.Equal("step,epoch,loss,lr,val_loss,val_mean_iou,images_per_second",
            File.ReadLines(Path.Combine(trained.Folder, "metrics.csv")).First());
        Assert.Equal(4, File.ReadLines(Path.Combine(trained.Folder, "metrics.csv")).Count());
        Assert.Contains("seed: 5", File.ReadAllText(Path.Combine(trained.Folder, "config.yaml")));
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(trained.Folder, "run.json")));
        Assert.Equal("completed", record.RootElement.GetProperty("outcome").GetString());
        Assert.Matches(@"^\d+\.\d+\.\d+", record.RootElement.GetProperty("version").GetString());
    }

    [Fact]
    public void Train_says_what_happens_and_what_is_next()
    {
        string text = trained.Training.Out;
        foreach (string part in new[] { "3 training images, 2 for validation", " parameters, input 64x64", "step 1/3", "loss", "IoU",
            "images/s", "ETA",
            "step 2  validation: loss", "(best so far)", "completed after step 3", "last.safetensors", "report.html", "next:",
            "evaluate --run", "predict --run" })
            Assert.Contains(part, text);
    }

    [Fact]
    public void Report_is_self_contained_and_charts()
    {
        string html = File.ReadAllText(Path.Combine(trained.Folder, "report.html"));
        Assert.DoesNotContain("src=\"http", html);
        Assert.DoesNotContain("href=\"http", html);
        Assert.Equal(2 * 3, Count(html, "data:image/png;base64,"));
        Assert.Equal(2, Count(html, "<svg"));
        foreach (string part in new[] { "seed", "parameters", "cs-unet-mini", "CPU", "version", "prefers-color-scheme" })
            Assert.Contains(part, html);
        foreach (string chart in new[] { "loss.svg", "iou.svg" })
            Assert.Equal("svg", XDocument.Load(Path.Combine(trained.Folder, chart)).Root!.Name.LocalName);
    }

    [Fact]
    public void Evaluate_writes_scores_and_renews_the_report()
    {
        ProgramRun run = ProgramRun.Of("evaluate", "--run", trained.Folder, "--split", "test");
        Assert.True(run.Code == ExitCode.Success, run.Error);
        foreach (string part in new[] { "IoU", "Dice", "matrix", "secondary", "tertiary", "mean", "pixel accuracy", "confusion matrix" })
            Assert.Contains(part, run.Out);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(
            Assert.Single(Directory.GetFiles(trained.Folder, "evaluation-test-last-000003-*.json"))));
        JsonElement root = json.RootElement;
        Assert.InRange(root.GetProperty("meanIoU").GetDouble(), 0, 1);
        Assert.Equal(["matrix", "secondary", "tertiary"],
            root.GetProperty("classes").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()));
        Assert.Equal(2, root.GetProperty("images").GetArrayLength());
        Assert.Contains("Evaluation on test", File.ReadAllText(Path.Combine(trained.Folder, "report.html")));
    }

    /// <summary>A run trained in bf16 is evaluated in bf16 if the device supports it, otherwise in fp32; the program says which.</summary>
    [Fact]
    public void Evaluate_uses_the_precision_of_the_training()
    {
        Assert.Equal(Precision.Bf16, LoadedRun.Choose(null, trained: Precision.Bf16, Device.Cuda));
        Assert.Equal(Precision.Fp32, LoadedRun.Choose(Precision.Fp32, trained: Precision.Bf16, Device.Cuda));
        Assert.Equal(Precision.Tf32, LoadedRun.Choose(Precision.Tf32, trained: Precision.Fp32, Device.Cuda));
        Assert.Equal(Precision.Fp32, LoadedRun.Choose(null, trained: Precision.Bf16, Device.Cpu));

        string copy = trained.Path("in-bf16");
        Directory.CreateDirectory(copy);
        foreach (string file in new[] { "classes.yaml", "metrics.csv", "run.json", "last.safetensors" })
            File.Copy(Path.Combine(trained.Folder, file), Path.Combine(copy, file));
        string config = File.ReadAllText(Path.Combine(trained.Folder, "config.yaml"));
        Assert.Contains("precision: fp32", config);
        File.WriteAllText(Path.Combine(copy, "config.yaml"),
            config.Replace("precision: fp32", "precision: bf16", StringComparison.Ordinal));
        ProgramRun run = ProgramRun.Of("evaluate", "--device", "cpu", "--run", copy, "--split", "test");
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Assert.Contains("; fp32, trained in bf16\n", run.Out);
        Assert.DoesNotContain("trained in", ProgramRun.Of("evaluate", "--device", "cpu", "--run", trained.Folder, "--split", "test").Out);
    }

    // A kill while the examples are written leaves only some of their images; the run can still be evaluated and reported.
    [Fact]
    public void Report_leaves_out_an_example_that_is_not_complete()
    {
        string prediction = Directory.GetFiles(Path.Combine(trained.Folder, "examples"), "*_prediction.png")[0],
            aside = trained.Path("aside.png");
        File.Move(prediction, aside);
        try
        {
            ProgramRun run = ProgramRun.Of("evaluate", "--run", trained.Folder, "--split", "train");
            Assert.True(run.Code == ExitCode.Success, run.Error);
            Assert.Equal(3, Count(File.ReadAllText(Path.Combine(trained.Folder, "report.html")), "data:image/png;base64,"));
        }
        finally
        {
            File.Move(aside, prediction);
            Assert.Equal(ExitCode.Success, ProgramRun.Of("evaluate", "--run", trained.Folder, "--split", "train").Code);
        }
    }

    [Fact]
    public void Evaluate_takes_other_splits_and_weights()
    {
        Assert.Equal(ExitCode.Success,
            ProgramRun.Of("evaluate", "--run", trained.Folder, "--split", "val", "--checkpoint", "best", "--stride", "64").Code);
        Assert.Single(Directory.GetFiles(trained.Folder, "evaluation-val-best-00000?-*.json"));
        ProgramRun missing = ProgramRun.Of("evaluate", "--run", trained.Folder, "--split", "tset");
        Assert.Equal(ExitCode.Usage, missing.Code);
        Assert.Contains("tset", missing.Error);
        Assert.Empty(Directory.GetFiles(trained.Folder, "evaluation-tset*"));
        ProgramRun.Refuses(["evaluate", "--run", trained.Folder, "--stride", "65"], "--stride", "64");
    }

    [Fact]
    public void Predict_writes_labels_overlays_and_fractions()
    {
        string output = trained.Path("predicted");
        ProgramRun run = ProgramRun.Of("predict", "--run", trained.Folder, Path.Combine(trained.Data, "test"), "--out", output);
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Assert.Equal(["fractions.csv", "test_0000_label.png", "test_0000_overlay.png", "test_0001_label.png", "test_0001_overlay.png"],
            Directory.EnumerateFiles(output).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        MaskImage labels = ImageFile.ReadMask(Path.Combine(output, "test_0000_label.png"), paletteIndices: true);
        Assert.Equal((64, 96, 1), (labels.Height, labels.Width, labels.Channels));
        Assert.All(labels.Samples, sample => Assert.InRange(sample, 0, 2));
        string[] rows = File.ReadAllLines(Path.Combine(output, "fractions.csv"));
        Assert.Equal("file,class,fraction", rows[0]);
        Assert.Equal(1 + 2 * 3, rows.Length);
        double matrix = labels.Samples.Count(sample => sample == 0) / (double)labels.Samples.Length;
        Assert.Equal($"test_0000.png,matrix,{matrix.ToString("F6", CultureInfo.InvariantCulture)}", rows[1]);
        Assert.Equal(2, rows.Skip(1).Sum(row => double.Parse(row.Split(',')[2], CultureInfo.InvariantCulture)), 5);
    }

    [Fact]
    public void Predict_notes_what_it_left_out_of_a_file()
    {
        string file = trained.Path("bands.tif"), output = trained.Path("noted");
        File.WriteAllBytes(file, TiffWriter.Write(new TiffPage(64, 64, (y, x, _) => (ulong)(y + x)) { Samples = 2 }));
        ProgramRun run = ProgramRun.Of("predict", "--run", trained.Folder, file, "--out", output);
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Assert.Contains($"note: {file}: the file does not say what 1 of the 2 samples of a pixel is", run.Error);
    }

    [Fact]
    public void Predict_refuses_inputs_that_would_overwrite_each_other()
    {
        string a = trained.Path("a"), b = trained.Path("b"), output = trained.Path("clash");
        string source = Path.Combine(trained.Data, "test", "test_0000.png");
        foreach (string copy in new[] { Path.Combine(a, "same.png"), Path.Combine(b, "same.png"), Path.Combine(a, "x.png"),
            Path.Combine(a, "x_label.png") })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(source, copy);
        }
        ProgramRun.Refuses(["predict", "--run", trained.Folder, Path.Combine(a, "same.png"), Path.Combine(b, "same.png"), "--out", output],
            "same.png", "same_label.png", "rename");
        ProgramRun.Refuses(["predict", "--run", trained.Folder, Path.Combine(a, "x.png"), Path.Combine(a, "x_label.png"), "--out", a],
            "overwrite the input");
        Assert.False(Directory.Exists(output));
        Assert.Equal(3, Directory.EnumerateFiles(a).Count());
    }

    [Fact]
    public void Predict_reports_a_broken_image_and_labels_the_others()
    {
        string folder = trained.Path("broken"), output = trained.Path("broken-out");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "bad.png"), "no image");
        File.Copy(Path.Combine(trained.Data, "test", "test_0000.png"), Path.Combine(folder, "good.png"));
        ProgramRun run = ProgramRun.Of("predict", "--run", trained.Folder, folder, "--out", output);
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("bad.png", run.Error);
        Assert.Equal(["fractions.csv", "good_label.png", "good_overlay.png"],
            Directory.EnumerateFiles(output).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Predict_missing_file() => ProgramRun.Refuses(["predict", "--run", trained.Folder, trained.Path("none.tif")], "none.tif");

    [Fact]
    public void Train_refuses_a_folder_that_holds_a_run() => ProgramRun.Refuses(
        ["train", "--data", trained.Data, "--classes", "nasa-super", "--out", trained.Folder], trained.Folder, "--resume");

    [Fact]
    public void Damaged_weights_are_a_failure_that_names_the_file()
    {
        string copy = trained.Path("damaged");
        Directory.CreateDirectory(copy);
        foreach (string file in new[] { "config.yaml", "classes.yaml", "metrics.csv" })
            File.Copy(Path.Combine(trained.Folder, file), Path.Combine(copy, file));
        byte[] weights = File.ReadAllBytes(Path.Combine(trained.Folder, "last.safetensors"));
        File.WriteAllBytes(Path.Combine(copy, "last.safetensors"), weights[..(weights.Length / 2)]);
        ProgramRun run = ProgramRun.Of("evaluate", "--run", copy);
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.StartsWith("error: ", run.Error);
        Assert.Contains("last.safetensors", run.Error);
        Assert.DoesNotContain("   at ", run.Error);
    }

    [Fact]
    public void Data_problems_are_listed_at_once_and_nothing_is_written()
    {
        using var workspace = new Workspace();
        SyntheticMicrographs.WriteTo(workspace["set"], 3, 1, 1, 64, 64, 1);
        File.Delete(workspace["set/train_annot/train_0000_mask.png"]);
        File.WriteAllText(workspace["set/train/train_0001.png"], "no image");
        ProgramRun run = ProgramRun.Of("train", "--data", workspace["set"], "--classes", "nasa-super", "--out", workspace["run"]);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("train_0000", run.Error);
        Assert.Contains("train_0001.png", run.Error);
        Assert.Empty(run.Out);
        Assert.False(Directory.Exists(workspace["run"]));
    }

    [Fact]
    public void Class_weights_must_fit_the_classes()
    {
        using var workspace = new Workspace();
        ProgramRun.Refuses(["train", "--data", trained.Data, "--classes", "nasa-super", "--class-weights", "1,2", "--out",
            workspace["run"]],
            "--class-weights", "expected 3", "matrix, secondary, tertiary");
        ProgramRun.Refuses(["train", "--data", trained.Data, "--out", workspace["run"]], "classes", "nasa-super");
        Assert.Empty(workspace.Files());
    }

    [Fact]
    public void Configuration_file_and_command_line_merge()
    {
        using var workspace = new Workspace();
        string config = workspace.Write("c.yaml", "size: 64\nbatch: 1\nsteps: 7\nseed: 9\n");
        ProgramRun run = ProgramRun.Of("train", "--config", config, "--data", trained.Data, "--classes", "nasa-super", "--steps", "1",
            "--class-weights", "auto", "--subset", "train_0001", "--out", workspace["run"]);
        Assert.True(run.Code == ExitCode.Success, run.Error);
        TrainingOptions options = TrainingOptions.Load(workspace["run/config.yaml"]);
        Assert.Equal((64, 1, 1, 9ul), (options.Height, options.Batch, options.Steps, options.Seed));
        Assert.Equal(["train_0001"], options.Subset);
        Assert.Equal(3, options.ClassWeights.Count);
        Assert.True(options.ClassWeights[2] > options.ClassWeights[0],
            "tertiary precipitates are rare and must weigh more than the matrix");
    }

    [Fact]
    public void Resumed_run_keeps_its_options()
    {
        ProgramRun.Refuses(["train", "--resume", "--run", trained.Folder, "--seed", "6"], "--seed", "resumed run");
        ProgramRun.Refuses(["train", "--resume", "--run", trained.Folder, "--size", "96"], "--size", "resumed run");
        ProgramRun.Refuses(["train", "--run", trained.Folder], "--run", "--resume");
    }

    [Fact]
    public async Task Interrupt_leaves_a_run_that_can_be_resumed()
    {
        Assert.SkipUnless(!OperatingSystem.IsWindows(), "SIGINT is sent by the command kill, which Windows does not have");
        using var workspace = new Workspace();
        string program = Path.Combine(AppContext.BaseDirectory, "csunet.dll");
        // A shell that runs the tests in the background ignores SIGINT, and child processes inherit that. env restores the default.
        var start = new ProcessStartInfo("env") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[] { "--default-signal=INT", "dotnet", program, "train", "--data", trained.Data, "--classes",
            "nasa-super",
            "--size", "64", "--batch", "2", "--steps", "100000", "--out", workspace["run"] })
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(3));
        CancellationToken cancellation = limit.Token;
        using CancellationTokenRegistration stop = cancellation.Register(process.Kill);
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellation);
        string text = "";
        while (!text.Contains("step 1/", StringComparison.Ordinal) && await process.StandardOutput.ReadLineAsync(cancellation) is { } line)
            text += line + "\n";
        using (Process kill = Process.Start("kill", $"-INT {process.Id}"))
            await kill.WaitForExitAsync(cancellation);
        text += await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        string error = await errors;
        Assert.True(process.ExitCode == ExitCode.Interrupted, $"exit code {process.ExitCode}\n{text}{error}");
        Assert.Contains("stopping after this step", error);
        Assert.Contains($"train --resume --run {workspace["run"]}", text);
        Assert.True(File.Exists(workspace["run/last.safetensors"]));

        int step = MetricsLog.Read(workspace["run/metrics.csv"])[^1].Step;
        ProgramRun resumed = ProgramRun.Of("train", "--resume", "--run", workspace["run"], "--steps", $"{step + 1}");
        Assert.True(resumed.Code == ExitCode.Success, resumed.Error);
        Assert.Contains("changed from here on: steps", resumed.Out);
        Assert.Equal(step + 1, MetricsLog.Read(workspace["run/metrics.csv"])[^1].Step);
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
