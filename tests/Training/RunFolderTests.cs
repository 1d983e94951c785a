using CsUnet.Cuda;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

/// <summary>A run writes into a folder that is its own, deletes only what it wrote, and follows no links that lie there.</summary>
public sealed class RunFolderTests : IDisposable
{
    private readonly TrainingFixture _workshop = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _workshop.Dispose();

    [Theory]
    [InlineData("thesis.docx.tmp")]
    [InlineData("examples/thesis.txt")]
    [InlineData("report.html")]
    [InlineData("run.json")]
    [InlineData("metrics.csv")]
    [InlineData("best.safetensors")]
    [InlineData("classes.yaml")]
    [InlineData("data.json")]
    [InlineData("last-000001.optimizer.safetensors")]
    [InlineData(".hidden")]
    [InlineData("empty/")]
    public void A_folder_with_files_of_others_is_not_taken(string name)
    {
        string path = _workshop.Path("mine"), file = Path.Combine(path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        if (!name.EndsWith('/'))
            File.WriteAllText(file, "mine");
        RunException failure = Assert.Throws<RunException>(() => RunFolder.Create("m", path));
        Assert.Equal(RunFault.FolderNotEmpty, failure.Fault);
        Assert.Contains($"{path}: holds files of something else ({name.Split('/')[0]}), expected a new or empty folder", failure.Message);
        Assert.Single(Directory.GetFileSystemEntries(path));
        Assert.True(name.EndsWith('/') || File.ReadAllText(file) == "mine");
    }

    [Fact]
    public void A_folder_in_which_a_run_was_killed_before_its_first_file_is_empty()
    {
        string path = _workshop.Path("killed");
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "run.lock"), "");
        File.WriteAllText(AtomicFile.TemporaryOf(Path.Combine(path, "config.yaml")), "model: ");
        RunFolder folder = RunFolder.Create("m", path);
        using (Trainer trainer = Trainer.Create(TrainingFixture.CsUnetOptions, folder, TrainingFixture.Train, null))
            trainer.Run(cancellation: Token);
        Assert.Equal(["classes.yaml", "config.yaml", "data.json", "last-000006.optimizer.safetensors", "last.safetensors", "metrics.csv"],
            Directory.GetFiles(path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    // The folder as somebody sent it, with links in place of all files that a training writes.
    [Fact]
    public void No_link_in_the_folder_of_a_run_is_written_through()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a privilege on Windows");
        RunFolder folder = Train("run", 4);
        string victims = _workshop.Path("victims");
        Directory.CreateDirectory(victims);
        foreach (string path in Directory.GetFiles(folder.Path))
        {
            File.Copy(path, Path.Combine(victims, Path.GetFileName(path)));
            File.Delete(path);
            File.CreateSymbolicLink(path, Path.Combine(victims, Path.GetFileName(path)));
        }
        Dictionary<string, byte[]> before = Directory.GetFiles(victims).ToDictionary(path => path, File.ReadAllBytes);
        RunFolder opened = RunFolder.Open(folder.Path);
        TrainingOptions longer = opened.LoadOptions() with { Steps = 6 };
        using (Trainer trainer = Trainer.Resume(opened, longer, TrainingFixture.Train, TrainingFixture.Validation))
            Assert.Equal(6, trainer.Run(cancellation: Token).Step);
        Assert.Equal(before.Keys.Order(), Directory.GetFiles(victims).Order());
        Assert.All(before, victim => Assert.Equal(victim.Value, File.ReadAllBytes(victim.Key)));
        foreach (string name in new[] { "config.yaml", "last.safetensors", "metrics.csv" })
            Assert.Null(new FileInfo(opened.File(name)).LinkTarget);
    }

    [Fact]
    public void A_link_put_in_the_place_of_a_file_in_use_is_not_followed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a privilege on Windows");
        string victim = _workshop.Path("victim");
        File.WriteAllText(victim, "mine");
        RunFolder folder = _workshop.NewFolder("run");
        using (Trainer trainer = Trainer.Create(TrainingFixture.CsUnetOptions, folder, TrainingFixture.Train, null))
        {
            trainer.Run(new Recorder
            {
                AtStep = report =>
                {
                    if (report.Step != 2)
                        return;
                    File.Delete(folder.MetricsPath);
                    File.CreateSymbolicLink(folder.MetricsPath, victim);
                },
            }, Token);
        }
        Assert.Equal("mine", File.ReadAllText(victim));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_lock_that_is_a_link_is_refused(bool exists)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a privilege on Windows");
        string victim = _workshop.Path("victim");
        if (exists)
            File.WriteAllText(victim, "mine");
        RunFolder folder = _workshop.NewFolder("run");
        File.CreateSymbolicLink(folder.File("run.lock"), victim);
        RunException failure = Assert.Throws<RunException>(
            () => Trainer.Create(TrainingFixture.CsUnetOptions, folder, TrainingFixture.Train, null));
        Assert.Contains($"run.lock is a link to {victim}", failure.Message);
        Assert.Equal(exists, File.Exists(victim));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_to_is_not_taken_for_one_in_use()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Directory.Exists("/proc/self"), "only Linux has /proc, where nobody can write");
        RunException failure = Assert.Throws<RunException>(() => RunFolder.At("/proc/self").Lock());
        Assert.Contains("/proc/self: files cannot be written there", failure.Message);
        Assert.DoesNotContain("another process", failure.Message);
    }

    // An evaluation beside a training, which writes its files while checkpoints are made and while another process resumes the run.
    [Fact]
    public void Files_that_others_are_writing_are_kept()
    {
        RunFolder folder = Train("run", 4);
        string evaluation = folder.File("evaluation-test-last-000004-01234567.json"), abandoned = AtomicFile.TemporaryOf(folder.LastPath),
            foreign = AtomicFile.TemporaryOf(folder.File("thesis.docx"));
        File.WriteAllText(abandoned, "of a process that was killed");
        File.WriteAllText(foreign, "of another program that names its files in this way");
        AtomicFile.Write(evaluation, stream =>
        {
            stream.WriteByte((byte)'a');
            TrainingOptions longer = folder.LoadOptions() with { Steps = 8, CheckpointEvery = 1 };
            using Trainer trainer = Trainer.Resume(folder, longer, TrainingFixture.Train, TrainingFixture.Validation);
            trainer.Run(cancellation: Token);
            stream.WriteByte((byte)'b');
        });
        Assert.Equal("ab", File.ReadAllText(evaluation));
        Assert.Equal([foreign], Directory.GetFiles(folder.Path, "*.tmp"));
    }

    private RunFolder Train(string name, int steps)
    {
        RunFolder folder = _workshop.NewFolder(name);
        using Trainer trainer = Trainer.Create(TrainingFixture.CsUnetOptions with { Steps = steps }, folder, TrainingFixture.Train,
            TrainingFixture.Validation);
        trainer.Run(cancellation: Token);
        return folder;
    }
}
