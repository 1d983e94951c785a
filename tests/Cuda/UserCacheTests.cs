using System.Diagnostics;
using CsUnet.Cuda;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Cuda;

/// <summary>Which folder is the cache, and which may not be.</summary>
public sealed class UserCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string?> _before = [];

    public UserCacheTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Skipped: the folder's owner and mode are looked at on Linux");
        foreach (string name in new[] { "CSUNET_CACHE", "XDG_CACHE_HOME", "HOME" })
            _before[name] = Environment.GetEnvironmentVariable(name);
        Set("CSUNET_CACHE", null);
        Set("XDG_CACHE_HOME", null);
    }

    [Fact]
    public void The_variables_are_asked_in_their_order()
    {
        Set("HOME", _folder.Path);
        Assert.Equal(_folder.File(".cache/csunet/kernels"), UserCache.Find("kernels", out _));
        Set("XDG_CACHE_HOME", Path.Combine(_folder.Path, "x"));
        Assert.Equal(Path.Combine(_folder.Path, "x", "csunet", "kernels"), UserCache.Find("kernels", out _));
        Set("CSUNET_CACHE", Path.Combine(_folder.Path, "c"));
        Assert.Equal(Path.Combine(_folder.Path, "c", "tuning"), UserCache.Find("tuning", out string? problem));
        Assert.Null(problem);
        Assert.False(Directory.Exists(Path.Combine(_folder.Path, "c")));
    }

    [Theory]
    [InlineData("HOME", "/csunet-no-such-folder", "HOME names no folder that exists")]
    [InlineData("HOME", ".", "expected an absolute path")]
    [InlineData("XDG_CACHE_HOME", ".cache", "XDG_CACHE_HOME is '.cache', expected an absolute path")]
    [InlineData("CSUNET_CACHE", "cache", "CSUNET_CACHE is 'cache', expected an absolute path")]
    public void Nothing_is_looked_for_in_the_current_folder(string name, string value, string part)
    {
        Set(name, value);
        Assert.Null(UserCache.Find("kernels", out string? problem));
        Assert.Contains(part, problem);
        Assert.Contains("CSUNET_CACHE", problem);
        Assert.Equal("", KernelCache.DefaultFolder);
        Assert.False(UserCache.IsNamed);
    }

    [Theory]
    [InlineData("c", "0777", "others may write to ")]
    [InlineData("c", "0775", "others may write to ")]
    [InlineData("c/kernels", "0702", "others may write to ")]
    [InlineData("", "0777", "everybody may write to ")]
    [InlineData("", "1777", null)]
    [InlineData("", "0775", null)]
    [InlineData("c", "0755", null)]
    public void A_folder_that_others_may_write_is_refused(string folder, string mode, string? problem)
    {
        string above = _folder.File("above/c/kernels/file");
        string path = Path.Combine(_folder.Path, "above", folder).TrimEnd('/');
        Directory.CreateDirectory(Path.GetDirectoryName(above)!);
        Set("CSUNET_CACHE", Path.Combine(_folder.Path, "above", "c"));
#pragma warning disable CA1416 // not on Windows
        File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32(mode, 8));
#pragma warning restore CA1416
        Assert.Equal(problem is null, UserCache.Find("kernels", out string? got) is not null);
        if (problem is null)
            Assert.Null(got);
        else
            Assert.Contains($"{problem}{path}", got);
    }

    [Fact]
    public void A_folder_of_another_user_and_a_file_are_refused()
    {
        Set("CSUNET_CACHE", _folder.File("file"));
        File.WriteAllText(_folder.File("file"), "");
        Assert.Null(UserCache.Find("kernels", out string? problem));
        Assert.Contains("is a file", problem);

        Assert.SkipUnless(Environment.UserName == "root", "Skipped: only root can give a folder to another user");
        Directory.CreateDirectory(_folder.File("theirs/kernels"));
        using (Process chown = Process.Start("chown", ["-R", "65534", _folder.File("theirs")]))
            chown.WaitForExit();
        Set("CSUNET_CACHE", _folder.File("theirs"));
        Assert.Null(UserCache.Find("kernels", out problem));
        Assert.Contains("belongs to another user (number 65534", problem);
    }

    [Fact]
    public void Only_own_files_are_read_and_what_is_written_is_private()
    {
        string file = Path.Combine(_folder.Path, "new", "below", "a");
        Assert.Null(UserCache.Read(file));
        UserCache.Write(file, new byte[] { 1, 2 });
        Assert.Equal([1, 2], UserCache.Read(file));
#pragma warning disable CA1416 // not on Windows
        Assert.Equal("600", Convert.ToString((int)File.GetUnixFileMode(file), 8));
        Assert.Equal("700", Convert.ToString((int)File.GetUnixFileMode(Path.Combine(_folder.Path, "new")), 8));
        var notes = new List<string>();
        UserCache.Noted += notes.Add;
        try
        {
            File.SetUnixFileMode(file, (UnixFileMode)Convert.ToInt32("664", 8));
            Assert.Null(UserCache.Read(file));
            Assert.Null(UserCache.Read(file));
        }
        finally
        {
            UserCache.Noted -= notes.Add;
        }
#pragma warning restore CA1416
        Assert.Contains("chmod go-w", Assert.Single(notes));
    }

    [Fact]
    public void Temporary_files_of_killed_processes_are_deleted()
    {
        string random = new('a', 32);
        foreach (string name in new[] { $"k.bin.{random}.tmp", "notes.tmp", "k.bin" })
            File.WriteAllText(_folder.File(name), "");
        UserCache.RemoveLeftovers(_folder.Path);
        Assert.Equal(["k.bin", "notes.tmp"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order());
    }

    public void Dispose()
    {
        foreach ((string name, string? value) in _before)
            Environment.SetEnvironmentVariable(name, value);
        _folder.Dispose();
    }

    private static void Set(string name, string? value) => Environment.SetEnvironmentVariable(name, value);
}
