using CsUnet.Cli;
using CsUnet.Cli.Report;
using CsUnet.Data;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Cli;

/// <summary>The check of a data set by itself, before a training, and in the report.</summary>
public sealed class CheckCommandTests : IDisposable
{
    private const string Map = "default: ground\nclasses: [{name: ground}, {name: '<disc>', values: [1]}]";

    private readonly DiscSet _set = new();

    public CheckCommandTests() => File.WriteAllText(_set.File("map.yaml"), Map);

    public void Dispose() => _set.Dispose();

    private string Classes => _set.File("map.yaml");

    private ProgramRun Check(params string[] more) => ProgramRun.Of(["check", "--data", _set.Path, "--classes", Classes, .. more]);

    [Fact]
    public void A_sound_set_is_shown_and_passes()
    {
        _set.Add("train", 1, 0, 1).Add("train", 2, 0, 1).Add("val", 3, 0, 1).Add("test", 4, 0, 1);
        ProgramRun run = Check();
        Assert.Equal(ExitCode.Success, run.Code);
        Assert.Empty(run.Error);
        string[] words = [.. run.Out.Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];
        Assert.Contains("train val test", words);
        Assert.Contains("images 2 1 1", words);
        Assert.Contains("size 64x64 64x64 64x64", words);
        Assert.Contains(words, line => line.StartsWith("class <disc> ", StringComparison.Ordinal) && line.Count(c => c == '%') == 3);
        Assert.Contains(words, line => line.StartsWith("train value 0 ", StringComparison.Ordinal));
        Assert.Contains("a training can start", words);
        Assert.DoesNotContain("warning", run.Out);
        Assert.Equal(["map.yaml", "test", "test_annot", "train", "train_annot", "val", "val_annot"],
            Directory.EnumerateFileSystemEntries(_set.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Warnings_do_not_fail()
    {
        _set.Add("train", 1, 0, 1).Add("train", 2, 0, 1).Add("test", 1, 0, 1);
        ProgramRun run = Check();
        Assert.Equal(ExitCode.Success, run.Code);
        Assert.Contains("warning: the same picture: train/im1.png and test/im1.png; scores on test are not", run.Out);
        Assert.Contains("a training can start, with these warnings", run.Out);
    }

    [Fact]
    public void What_training_refuses_fails_with_the_same_words()
    {
        _set.Add("train", 1, 0, 255).Add("val", 2, 0, 255);
        ProgramRun run = Check(), training = ProgramRun.Of("train", "--data", _set.Path, "--classes", Classes, "--size", "64", "--batch",
            "2", "--steps", "3", "--out", _set.File("run"));
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("value 255", run.Out);
        Assert.Contains("class '<disc>' has no pixel in any mask of train and val", run.Error);
        Assert.Equal(ExitCode.Usage, training.Code);
        Assert.Equal(run.Error, training.Error);
        Assert.False(Directory.Exists(_set.File("run")));
    }

    [Fact]
    public void Files_that_cannot_be_read_fail_and_the_other_splits_are_shown()
    {
        _set.Add("train", 1, 0, 1).Add("val", 2, 0, 1).Add("test", 3, 0, 1);
        File.Delete(_set.File("val_annot/im2.png"));
        ProgramRun run = Check();
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("im2.png: its mask is missing", Assert.Single(run.Error.TrimEnd('\n').Split('\n')));
        Assert.Matches(@"\strain\s+test\s*\n", run.Out);
    }

    [Fact]
    public void A_class_of_a_split_that_cannot_be_read_is_not_called_absent()
    {
        _set.Add("train", 1, 0, 0).Add("val", 2, 0, 1);
        File.WriteAllText(_set.File("val_annot/im2.png"), "no picture");
        string error = Check().Error;
        Assert.Contains("im2.png", error);
        Assert.DoesNotContain("no pixel", error);
    }

    [Theory]
    [InlineData("--data", "--classes")]
    [InlineData("--classes", "--data")]
    public void What_is_needed_is_named(string given, string missing) =>
        ProgramRun.Refuses(["check", given, given == "--data" ? _set.Path : Classes], missing);

    [Fact]
    public void Wrong_calls_are_refused()
    {
        ProgramRun.Refuses(["check", "--data", _set.File("none"), "--classes", Classes], "none", "no such folder");
        ProgramRun.Refuses(["check", "--data", "", "--classes", Classes], "--data");
        ProgramRun.Refuses(["check", "--data", _set.Path, "--classes", "nasa-sup"], "nasa-sup", "nasa-super");
    }

    [Fact]
    public void Training_prints_the_table_and_the_report_shows_it()
    {
        byte[] mask = [.. DiscSet.Labels(1).Select((label, i) => label == 1 && i % 3 == 0 ? (byte)2 : label)];
        File.WriteAllText(Classes, Map + "\nignore: [2]");
        _set.Add("train", "a", DiscSet.Picture(1), mask).Add("train", 2, 0, 1).Add("val", 3, 0, 0);
        ProgramRun run = ProgramRun.Of("train", "--data", _set.Path, "--classes", Classes, "--size", "64", "--batch", "2", "--steps", "2",
            "--validate-every", "1", "--out", _set.File("run"));
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Assert.Matches(@"class <disc> +\d+\.\d\d % +none", run.Out);
        Assert.StartsWith("warning: class '<disc>' has no pixel in the masks of val", run.Error);
        // The mean of a validation without a pixel of the class says so.
        Assert.Matches(
            @"validation: loss .*, mean IoU .*; mean over 1 of 2 classes, no pixel of truth for <disc> \(\d+ pixels? predicted\)", run.Out);
        string html = File.ReadAllText(_set.File("run/report.html"));
        Assert.Contains("<h2>Data</h2>", html);
        Assert.Contains("<td>class &lt;disc&gt;</td>", html);
        Assert.Contains("warning: class &#39;&lt;disc&gt;&#39; has no pixel in the masks of val", html);
        Assert.Contains("<td>val</td><td>value 0</td><td class=\"n\">4096</td><td class=\"n\">100.00 %</td>", html);

        ProgramRun evaluation = ProgramRun.Of("evaluate", "--run", _set.File("run"), "--split", "val");
        Assert.Equal(ExitCode.Success, evaluation.Code);
        Assert.Matches(@"<disc> +absent +absent", evaluation.Out);
        Assert.Contains("mean over 1 of 2 classes, no pixel of truth for <disc>", evaluation.Out);
        html = File.ReadAllText(_set.File("run/report.html"));
        Assert.Contains("<h2>Data</h2>", html);
        Assert.Contains("<p>mean over 1 of 2 classes, no pixel of truth for &lt;disc&gt;", html);
        Assert.Contains("\"absent\": [", File.ReadAllText(Directory.GetFiles(_set.File("run"), "evaluation-val-*.json").Single()));
    }

    [Fact]
    public void The_check_of_a_run_is_read_back_and_damage_is_named()
    {
        RunFolder folder = RunFolder.Create("model", _set.File("run"));
        Assert.Null(DatasetCheckFile.Load(folder));
        DatasetTable table = _set.Add("train", 1, 0, 7).Add("test", 1, 0, 1).Check(ClassMap.Load(Classes)).Table;
        DatasetCheckFile.Save(folder, table);
        DatasetTable again = DatasetCheckFile.Load(folder)!;
        Assert.Equal(table.Splits, again.Splits);
        Assert.Equal(table.Warnings, again.Warnings);
        Assert.Equal(table.Defaulted, again.Defaulted);
        Assert.Equal(table.Rows.SelectMany(row => row.Cells.Append(row.Name)), again.Rows.SelectMany(row => row.Cells.Append(row.Name)));
        foreach (string text in new[] { "", "null", "{}", "[1]", "{\"splits\": [1]}", "{\"splits\": [], \"rows\": [{\"name\": \"a\"}]}" })
        {
            File.WriteAllText(folder.File(DatasetCheckFile.FileName), text);
            RunException failure = Assert.Throws<RunException>(() => DatasetCheckFile.Load(folder));
            Assert.StartsWith(folder.File(DatasetCheckFile.FileName), failure.Message);
            Assert.Contains("delete it", failure.Message);
        }
    }

    [Fact]
    public void An_evaluation_names_values_near_a_listed_one_and_a_damaged_check_is_a_warning()
    {
        using var trained = new TrainedRun();
        File.WriteAllText(Path.Combine(trained.Folder, DatasetCheckFile.FileName), "{");
        SyntheticMicrographs.WriteTo(_set.Path, train: 1, validation: 1, test: 1, height: 64, width: 64, seed: 9);
        string mask = Directory.EnumerateFiles(_set.File("test_annot")).Single();
        Image colours = ImageFile.Read(mask);
        for (int i = 0; i < colours.Pixels.Length; i += 3)
            if (colours.Pixels[i] == 0 && colours.Pixels[i + 2] == 255)
                colours.Pixels[i + 2] = 250;
        ImageFile.WritePng(mask, colours);
        ProgramRun run = ProgramRun.Of("evaluate", "--run", trained.Folder, "--data", _set.Path);
        Assert.Equal(ExitCode.Success, run.Code);
        Assert.StartsWith("warning: test: (0,0,250) is near class 'secondary' (0,0,255), but not listed", run.Error);
        Assert.Contains("data-check.json", run.Error);
        Assert.Contains("not the check of a data set", run.Error);
        Assert.Contains("the report leaves it out", run.Error);
        Assert.DoesNotContain("<h2>Data</h2>", File.ReadAllText(Path.Combine(trained.Folder, RunReport.FileName)));
    }
}
