using CsUnet.Cuda;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Cuda;

/// <summary>Files are written completely or not at all, whatever the folder contains.</summary>
public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_file_is_replaced_and_nothing_else_stays()
    {
        string path = _folder.File("a.txt");
        AtomicFile.WriteText(path, "one");
        AtomicFile.WriteText(path, "zwei: ü");
        Assert.Equal("zwei: ü", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_failure_leaves_the_old_file_and_removes_the_temporary_one()
    {
        string path = _folder.File("a.txt");
        AtomicFile.WriteText(path, "one");
        Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            throw new IOException("no space left");
        }));
        Assert.Equal("one", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
        Assert.Throws<DirectoryNotFoundException>(() => AtomicFile.WriteText(Path.Combine(_folder.Path, "absent", "a.txt"), ""));
    }

    [Fact]
    public void Links_and_files_at_guessable_names_are_not_written_to()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a privilege on Windows");
        string victim = _folder.File("victim"), path = _folder.File("a.txt");
        File.WriteAllText(victim, "mine");
        foreach (string name in new[] { "a.txt", "a.txt.tmp", ".a.txt.tmp", $"a.txt.{Environment.ProcessId}.tmp" })
            File.CreateSymbolicLink(Path.Combine(_folder.Path, name), victim);
        AtomicFile.WriteText(path, "new");
        Assert.Equal("mine", File.ReadAllText(victim));
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Null(new FileInfo(path).LinkTarget);
        Assert.NotEqual(AtomicFile.TemporaryOf(path), AtomicFile.TemporaryOf(path));
    }

    [Fact]
    public void A_temporary_file_is_deleted_only_after_its_writer_ended()
    {
        string path = _folder.File("a.txt"), dead = AtomicFile.TemporaryOf(path);
        File.WriteAllText(dead, "left by a kill");
        AtomicFile.Write(path, stream =>
        {
            stream.WriteByte((byte)'a');
            string[] unfinished = Directory.GetFiles(_folder.Path, "*.tmp");
            Assert.Equal(2, unfinished.Length);
            Array.ForEach(unfinished, AtomicFile.DeleteIfAbandoned);
            Assert.Single(Directory.GetFiles(_folder.Path, "*.tmp"));
            Assert.False(File.Exists(dead));
        });
        Assert.Equal("a", File.ReadAllText(path));
    }

    [Fact]
    public void A_link_with_the_name_of_a_temporary_file_deletes_nothing()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a privilege on Windows");
        string victim = _folder.File("victim"), link = AtomicFile.TemporaryOf(_folder.File("a.txt"));
        File.WriteAllText(victim, "mine");
        File.CreateSymbolicLink(link, victim);
        AtomicFile.DeleteIfAbandoned(link);
        Assert.Equal("mine", File.ReadAllText(victim));
    }

    [Fact]
    public void A_file_that_is_returned_open_is_written_to_under_any_name()
    {
        string path = _folder.File("a.txt");
        using FileStream stream = AtomicFile.Create(path, stream => stream.WriteByte((byte)'a'));
        Assert.Equal("a", File.ReadAllText(path));
        File.Move(path, _folder.File("b.txt"));
        File.WriteAllText(path, "other");
        stream.WriteByte((byte)'b');
        Assert.Equal("ab", File.ReadAllText(_folder.File("b.txt")));
        Assert.Equal("other", File.ReadAllText(path));
    }

    [Fact]
    public void A_temporary_file_is_recognised_by_its_whole_name()
    {
        string temporary = Path.GetFileName(AtomicFile.TemporaryOf("folder/last.safetensors"));
        Assert.Equal("last.safetensors", AtomicFile.TargetOf(temporary));
        Assert.All(new[] { "last.safetensors", "last.safetensors.tmp", "thesis.docx.tmp", $"x{temporary[17..]}", temporary[16..],
            temporary + "x", temporary.ToUpperInvariant() },
            name => Assert.Null(AtomicFile.TargetOf(name)));
        Assert.Equal("long", AtomicFile.TargetOf(Path.GetFileName(AtomicFile.TemporaryOf(new string('x', 250)))));
    }

    public void Dispose() => _folder.Dispose();
}
