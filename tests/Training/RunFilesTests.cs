using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

/// <summary>Damaged files of a run that goes on without them.</summary>
public sealed class RunFilesTests : IDisposable
{
    private const string Rows = "1,1,0.9,0.001,,,2\n2,1,0.8,0.001,0.7,0.5,2\n3,2,0.7,0.001,,,2\n";

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\0\0\0\0")]
    [InlineData("{\"command\": null}")]
    [InlineData("{\"step\": 99999999999}")]
    public void A_damaged_record_is_kept_and_a_new_one_begins(string text)
    {
        RunFolder folder = Folder();
        string path = _folder.File(RunRecord.FileName);
        File.WriteAllText(path, text);
        File.WriteAllText($"{path}.damaged", "an earlier one");
        Assert.StartsWith(path, Assert.Throws<RunException>(() => RunRecord.Load(folder)).Message);
        var begun = new RunRecord { Command = "resume" };
        Assert.Same(begun, RunRecord.LoadOr(folder, () => begun, _warnings.Add));
        string warning = Assert.Single(_warnings);
        Assert.StartsWith(path, warning);
        Assert.EndsWith($"kept as {path}.damaged-2, and a new record begins with this call", warning);
        Assert.Equal((text, "an earlier one"), (File.ReadAllText($"{path}.damaged-2"), File.ReadAllText($"{path}.damaged")));
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_sound_record_goes_on()
    {
        RunFolder folder = Folder();
        new RunRecord { Command = "first", Seconds = 2.5, BestMeanIoU = 1 }.Save(folder);
        Assert.Equal("first", RunRecord.LoadOr(folder, () => throw new InvalidOperationException(), _warnings.Add).Command);
        Assert.Empty(_warnings);
    }

    [Theory]
    [InlineData("\n1,1,", "\n99999999999,1,", 2, "2 3")]
    [InlineData("\n1,1,", "\n0,1,", 2, "2 3")]
    [InlineData("\n2,1,", "\n2,1,x", 3, "1 3")]
    [InlineData("0.7,0.5", "0.7,NaN", 3, "1 3")]
    [InlineData("\n3,2,0.7", "\n3,2,1e999", 4, "1 2")]
    [InlineData("\n3,2,", "\n3,2,,", 4, "1 2")]
    [InlineData("\n3,2,", "\n\0\0\0", 4, "1 2")]
    [InlineData("\n3,2,", "\n\n3,2,", 4, "1 2 3")]
    [InlineData("step,epoch", "step\u001b[2J,epoch", 1, "1 2 3")]
    [InlineData(MetricsLog.Header + "\n", "", 1, "1 2 3")]
    [InlineData(MetricsLog.Header + "\n" + Rows, "", 1, "")]
    [InlineData(MetricsLog.Header + "\n" + Rows, "\u00ff\u00fe\0", 1, "")]
    public void Damaged_rows_are_left_out_by_name_and_the_file_is_kept(string sound, string damaged, int line, string kept)
    {
        string path = _folder.File("metrics.csv"), text = MetricsLog.Header + "\n" + Rows;
        Assert.Contains(sound, text);
        string broken = text.Replace(sound, damaged, StringComparison.Ordinal);
        File.WriteAllText(path, broken, System.Text.Encoding.Latin1);
        Assert.StartsWith(path, Assert.Throws<RunException>(() => MetricsLog.Read(path)).Message);
        new MetricsLog(path, 3, _warnings.Add).Dispose();
        string warning = Assert.Single(_warnings);
        Assert.StartsWith($"{path}: line {line} is damaged (", warning);
        Assert.EndsWith($"kept as {path}.damaged", warning);
        Assert.Equal(PlainText.Of(warning), warning);
        Assert.Equal(System.Text.Encoding.Latin1.GetBytes(broken), File.ReadAllBytes($"{path}.damaged"));
        Assert.Equal(kept, string.Join(' ', MetricsLog.Read(path).Select(row => row.Step)));
    }

    [Fact]
    public void A_row_that_a_kill_cut_is_no_damage()
    {
        string path = _folder.File("metrics.csv");
        File.WriteAllText(path, MetricsLog.Header + "\n" + Rows + "4,2,0.");
        new MetricsLog(path, 3, _warnings.Add).Dispose();
        Assert.Empty(_warnings);
        Assert.Equal(MetricsLog.Header + "\n" + Rows, File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    private RunFolder Folder()
    {
        File.WriteAllText(_folder.File("config.yaml"), "");
        return RunFolder.Open(_folder.Path);
    }
}
