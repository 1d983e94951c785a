using CsUnet.Cli;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Tests.Data;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Cli;

/// <summary>Intensity ranges and data bars in the commands, on runs of a few steps.</summary>
public sealed class IntensityCommandTests : IDisposable
{
    private const string Map = "classes: [{name: ground, values: [0]}, {name: grain, values: [1]}]\nignore: [255]\n";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void A_run_of_twelve_bits_keeps_its_range_everywhere()
    {
        WriteSet(bits: 12);
        ProgramRun run = Train("--steps", "2");
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Assert.Contains("intensity: auto: 16-bit samples 0 to 4095; the samples of the training images are ", run.Out);
        Assert.DoesNotContain("intensity range", run.Error);
        Checkpoint checkpoint = Checkpoint.Load(_workspace["run/last.safetensors"]);
        Assert.Equal(new IntensityRange(0, 4095), checkpoint.Header.Intensity.Ranges[16]);
        Assert.Contains("16-bit samples 0 to 4095", File.ReadAllText(_workspace["run/report.html"]));
        // Without the set, so without the files from which the range was found.
        Directory.Move(_workspace["set"], _workspace["moved"]);
        Image image = checkpoint.ReadImage(_workspace["moved/test/im0.tif"]);
        Assert.Equal(DataBarPicture.Micrograph(64, 64, seed: Seed("test", "im0")).Pixels
            .Select(level => (byte)(level * 16 * 255 / 4095.0 + 0.5)), image.Pixels);
        ProgramRun predicted = ProgramRun.Of("predict", "--run", _workspace["run"], _workspace["moved/test/im0.tif"], "--out",
            _workspace["out"]);
        Assert.True(predicted.Code == ExitCode.Success, predicted.Error);
        Assert.Contains("intensity: 16-bit samples 0 to 4095\n", predicted.Out);
        Assert.Empty(predicted.Error);
        using (Predictor predictor = checkpoint.CreatePredictor())
            Assert.Equal(predictor.Predict(image, cancellation: TestContext.Current.CancellationToken).Labels,
                ImageFile.ReadMask(_workspace["out/im0_label.png"], paletteIndices: true).Samples.Select(label => (byte)label));
        ProgramRun evaluated = ProgramRun.Of("evaluate", "--run", _workspace["run"], "--data", _workspace["moved"]);
        Assert.True(evaluated.Code == ExitCode.Success, evaluated.Error);
        Assert.Contains("intensity: 16-bit samples 0 to 4095\n", evaluated.Out);
    }

    // By the full range, 12-bit samples in 16-bit files are 16 levels.
    [Fact]
    public void Twelve_bits_are_learnt()
    {
        Assert.SkipUnless(TestFiles.RunsAll, "Skipped: takes 5 s; './test --all' runs it");
        WriteSet(bits: 12);
        ProgramRun run = ProgramRun.Of("train", "--data", _workspace["set"], "--classes", _workspace.Write("map.yaml", Map), "--size", "64",
            "--batch", "2", "--steps", "60", "--lr", "0.002", "--validate-every", "0", "--out", _workspace["run"]);
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Assert.InRange(MetricsLog.Read(_workspace["run/metrics.csv"])[^1].ValidationMeanIoU!.Value, 0.9, 1);
    }

    [Fact]
    public void A_resumed_run_keeps_its_range()
    {
        WriteSet(bits: 12);
        Assert.Equal(ExitCode.Success, Train("--steps", "2").Code);
        ProgramRun.Refuses(["train", "--resume", "--run", _workspace["run"], "--intensity", "full"], "--intensity", "resumed run");
        ProgramRun run = ProgramRun.Of("train", "--resume", "--run", _workspace["run"], "--steps", "3");
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Assert.Contains("intensity: 16-bit samples 0 to 4095\n", run.Out);
        // Files that would give another range are other data.
        Save("train", "im0", 14);
        ProgramRun other = ProgramRun.Of("train", "--resume", "--run", _workspace["run"], "--steps", "4");
        Assert.Equal(ExitCode.Usage, other.Code);
        Assert.Contains("these are not the data that the run was trained with: 1 file changed (train/im0.tif)", other.Error);
        Assert.Equal(new IntensityRange(0, 4095), CheckpointHeader.Read(_workspace["run/last.safetensors"]).Intensity.Ranges[16]);
    }

    [Fact]
    public void A_weights_file_without_a_range_means_the_full_one()
    {
        WriteSet(bits: 16);
        Assert.Equal(ExitCode.Success, Train("--steps", "2").Code);
        string path = _workspace["run/last.safetensors"];
        OldRun.Make(RunFolder.Open(_workspace["run"]));
        OldRun.Rewrite(path, metadata => metadata.Remove("intensity"));
        Assert.Empty(CheckpointHeader.Read(path).Intensity.Ranges);
        Image expected = ImageFile.Read(_workspace["set/test/im0.tif"]);
        Assert.Equal(expected.Pixels, Checkpoint.Load(path).ReadImage(_workspace["set/test/im0.tif"]).Pixels);
        ProgramRun predicted = ProgramRun.Of("predict", "--run", _workspace["run"], _workspace["set/test/im0.tif"], "--out",
            _workspace["out"]);
        Assert.True(predicted.Code == ExitCode.Success, predicted.Error);
        Assert.Contains("intensity: the full range of the samples\n", predicted.Out);
        ProgramRun resumed = ProgramRun.Of("train", "--resume", "--run", _workspace["run"], "--steps", "3");
        Assert.True(resumed.Code == ExitCode.Success, resumed.Error);
    }

    [Fact]
    public void An_image_outside_of_the_range_is_named()
    {
        WriteSet(bits: 12);
        Save("val", "im0", 16);
        ProgramRun run = Train("--steps", "2");
        Assert.Contains($"warning: {_workspace["set/val"]}: the intensity range does not fit 1 of 1 images: im0: more than 5 %", run.Error);
        Save("test", "im1", 8);
        ProgramRun predicted = ProgramRun.Of("predict", "--run", _workspace["run"], _workspace["set/test"], _workspace["set/val"],
            "--out", _workspace["out"]);
        Assert.Equal(ExitCode.Usage, predicted.Code);
        predicted = ProgramRun.Of("predict", "--run", _workspace["run"], _workspace["set/test/im1.tif"], _workspace["set/val"], "--out",
            _workspace["out"]);
        Assert.Contains($"warning: {_workspace["set/test/im1.tif"]}: it has 8-bit samples, the training images have 16-bit ones",
            predicted.Error);
        Assert.Contains($"warning: {_workspace["set/val/im0.tif"]}: more than 5 % of the samples are above 4095", predicted.Error);
        Assert.Equal(ExitCode.Success, predicted.Code);
        ProgramRun evaluated = ProgramRun.Of("evaluate", "--run", _workspace["run"], "--split", "val");
        Assert.Contains($"warning: {_workspace["set/val"]}: the intensity range does not fit 1 of 1 images: im0", evaluated.Error);
    }

    [Fact]
    public void A_data_bar_is_left_out_where_the_user_says_so()
    {
        WriteSet(bits: 8);
        Assert.Equal(ExitCode.Success, Train("--steps", "2").Code);
        Image bar = DataBarPicture.WithBar(DataBarPicture.Micrograph(120, 160), 24, new Rgb(0, 0, 0), new Rgb(255, 255, 255));
        string file = _workspace["bar.png"];
        ImageFile.WritePng(file, bar);
        ImageFile.WritePng(_workspace["plain.png"], bar.Top(120));
        byte[] plain = Predict("plain.png", "auto", "plain", " (no data bar found)\n");
        byte[] labels = Predict("bar.png", "auto", "auto", " (data bar left out: the last 24 of 144 rows)\n");
        Assert.Equal(plain, labels[..(120 * 160)]);
        Assert.All(labels[(120 * 160)..], label => Assert.Equal(ClassMap.Ignored, label));
        Assert.Equal(File.ReadAllLines(_workspace["plain/fractions.csv"]).Select(line => line.Replace("plain.png", "bar.png")),
            File.ReadAllLines(_workspace["auto/fractions.csv"]));
        Assert.Equal(bar.ToRgb().Pixels[(120 * 160 * 3)..], ImageFile.Read(_workspace["auto/bar_overlay.png"]).Pixels[(120 * 160 * 3)..]);

        labels = Predict("bar.png", "30", "thirty", " (data bar left out: the last 30 of 144 rows)\n");
        Assert.Equal(30 * 160, labels.Count(label => label == ClassMap.Ignored));
        Assert.DoesNotContain(ClassMap.Ignored, Predict("bar.png", "none", "none", " %\n"));
        Assert.DoesNotContain(ClassMap.Ignored, Predict("bar.png", null, "default",
            " (the last 24 rows seem to be a data bar, and were labelled: --data-bar auto leaves it out)\n"));
        ProgramRun all = ProgramRun.Of("predict", "--run", _workspace["run"], file, "--data-bar", "144", "--out", _workspace["all"]);
        Assert.Equal(ExitCode.Failure, all.Code);
        Assert.Contains("bar.png: the image has 144 rows, expected more than the 144 rows of the data bar", all.Error);
        Assert.Empty(_workspace.Files("all"));

        byte[] Predict(string name, string? dataBar, string folder, string ending)
        {
            string[] arguments = ["predict", "--run", _workspace["run"], _workspace[name], "--out", _workspace[folder]];
            ProgramRun run = ProgramRun.Of(dataBar is null ? arguments : [.. arguments, "--data-bar", dataBar]);
            Assert.True(run.Code == ExitCode.Success, run.Error);
            Assert.Contains(ending, run.Out);
            string stem = Path.GetFileNameWithoutExtension(name);
            return [.. ImageFile.ReadMask(_workspace[$"{folder}/{stem}_label.png"], true).Samples.Select(label => (byte)label)];
        }
    }

    private ProgramRun Train(params string[] more) => ProgramRun.Of(["train", "--data", _workspace["set"], "--classes",
        _workspace.Write("map.yaml", Map), "--size", "32", "--batch", "2", "--embed-dim", "8", "--encoder-width", "8", "--depths",
        "1,1,1,1", "--device", "cpu", "--out", _workspace["run"], .. more]);

    private void WriteSet(int bits)
    {
        foreach ((string split, string name) in new[] { ("train", "im0"), ("train", "im1"), ("val", "im0"), ("test", "im0") })
            Save(split, name, bits);
    }

    // Every picture is another one, as a data set should be.
    private static int Seed(string split, string name) => 10 * split.Length + name[^1];

    /// <summary>Saves a micrograph of levels 0 to 255 with more bits, in a 16-bit file unless there are 8, and its mask.</summary>
    private void Save(string split, string name, int bits)
    {
        byte[] levels = DataBarPicture.Micrograph(64, 64, seed: Seed(split, name)).Pixels;
        foreach (string folder in new[] { split, $"{split}_annot" })
            Directory.CreateDirectory(_workspace[$"set/{folder}"]);
        string path = _workspace[$"set/{split}/{name}.tif"];
        if (bits == 8)
            ImageFileTests.Save(path, levels, 64, 64, 1);
        else
            ImageFileTests.Save(path, [.. levels.Select(level => (ushort)(level << (bits - 8)))], 64, 64, 1);
        byte[] labels = [.. levels.Select(level => (byte)(level > 125 ? 1 : 0))];
        ImageFileTests.Save(_workspace[$"set/{split}_annot/{name}.png"], labels, 64, 64, 1);
    }
}
