using System.Text.Json;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests;

public sealed class ReadFileTests
{
    public static TheoryData<Exception, string> Foreign => new()
    {
        { new InvalidOperationException("Operation is not valid."), "a.x: no x (Operation is not valid)" },
        { new ArgumentException("An item is there.", "key"), "a.x: no x (An item is there)" },
        { new NullReferenceException(), "a.x: no x (a value is missing or has another form)" },
        { new IndexOutOfRangeException(), "a.x: no x (a value is missing or has another form)" },
        { new OverflowException("Too large."), "a.x: no x (Too large)" },
        { new KeyNotFoundException("No key."), "a.x: no x (No key)" },
        { new JsonException("bad", "$.rows[3]", 4, 2), "a.x, line 5: no x (bad at $.rows[3])" },
        { new FileTextException("is cut", "three rows", 7), "a.x, line 7: is cut" },
        { new InvalidValueException("v", "v is 3", "4"), "a.x: no x (v is 3, expected 4)" },
        { new IOException("No space left."), "a.x: cannot be read (No space left)" },
        { new UnauthorizedAccessException("Denied."), "a.x: cannot be read (Denied)" },
        { new FileNotFoundException("x"), "a.x: there is no such file" },
        { new InvalidFileException(new FileProblem("a.x, line 2", "odd", null, null, new IOException()), "r"), "a.x, line 2: odd" },
        { new TimeZoneNotFoundException("Anything else."), "a.x: no x (Anything else)" },
    };

    [Theory]
    [MemberData(nameof(Foreign))]
    public void Any_exception_of_a_parser_becomes_the_readers(Exception foreign, string message)
    {
        WeightFileException own = Assert.Throws<WeightFileException>(() => Read(() => throw foreign));
        Assert.StartsWith($"{message}; mend it", own.Message);
        Assert.Same(foreign, own.InnerException);
    }

    [Fact]
    public void Its_own_cancellation_and_lack_of_memory_pass()
    {
        var own = new WeightFileException("b.x", "p", "r");
        Assert.Same(own, Assert.Throws<WeightFileException>(() => Read(() => throw own)));
        Assert.Throws<OperationCanceledException>(() => Read(() => throw new OperationCanceledException()));
        Assert.Throws<OutOfMemoryException>(() => Read(() => throw new OutOfMemoryException()));
        Assert.Equal(3, Read(() => 3));
    }

    [Fact]
    public void A_folder_or_a_large_file_is_no_text()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.txt"), "12345");
        Assert.Equal("12345", ReadFile.Text(folder.File("a.txt"), 5));
        Assert.Contains("more than 4 bytes", Assert.Throws<FileTextException>(() => ReadFile.Text(folder.File("a.txt"), 4)).Message);
        Assert.Contains("is a folder", Assert.Throws<WeightFileException>(
            () => ReadFile.Parse(folder.Path, "no x", () => ReadFile.Text(folder.Path), Own)).Message);
    }

    private static int Read(Func<int> body) => ReadFile.Parse("a.x", "no x", body, Own);

    private static WeightFileException Own(FileProblem problem) => new(problem.Place, problem.Problem, "mend it", problem.Cause);

    [Fact]
    public void A_pipe_in_a_folder_is_refused_and_not_waited_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Skipped: only Linux has pipes under names of files");
        using var folder = new TemporaryFolder();
        string pipe = folder.File("run.json");
        System.Diagnostics.Process.Start("mkfifo", [pipe])!.WaitForExit();
        Assert.Contains("pipe", Assert.Throws<FileTextException>(() => ReadFile.Text(pipe)).Message);
        Assert.Contains("pipe", Assert.Throws<WeightFileException>(() => SafetensorsFile.Read(pipe)).Message);
        // A shell's <(...) is a pipe that the caller made for the command.
        File.CreateSymbolicLink(folder.File("link"), pipe);
        Assert.Contains("pipe", Assert.Throws<FileTextException>(() => ReadFile.Text(folder.File("link"))).Message);
        Assert.Equal("", ReadFile.Text("/dev/null"));
    }
}
