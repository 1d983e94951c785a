using CsUnet.Cuda;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Cuda;

/// <summary>The emulator's library in the cache, built by a stand-in that writes a few bytes.</summary>
public sealed class EmulatorBuildTests
{
    private int _builds;

    /// <summary>What may have become of a library.</summary>
    public static TheoryData<string> Damages =>
        ["empty", "cut", "flipped", "garbage", "longer", "gone", "a folder", "a link", "writable by others"];

    [Theory, MemberData(nameof(Damages))]
    public void A_damaged_library_is_built_again(string damage)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Skipped: the emulator is built on Linux");
        using var cache = new TemporaryFolder();
        using var sources = new TemporaryFolder();
        File.WriteAllText(sources.File("driver/a.cpp"), "text");
        string library = Find(cache, sources);
        byte[] whole = File.ReadAllBytes(library);
        Assert.StartsWith("library", System.Text.Encoding.ASCII.GetString(whole));
        Assert.Equal((library, 1), (Find(cache, sources), _builds));

        File.WriteAllText(cache.File("victim"), "text");
        File.Delete(library);
        switch (damage)
        {
            case "empty": File.WriteAllBytes(library, []); break;
            case "cut": File.WriteAllBytes(library, whole[..^1]); break;
            case "flipped": File.WriteAllBytes(library, [.. whole.Select((value, at) => (byte)(at == 3 ? value ^ 1 : value))]); break;
            case "garbage": File.WriteAllBytes(library, [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * i))]); break;
            case "longer": File.WriteAllBytes(library, [.. whole, 0]); break;
            case "a folder": Directory.CreateDirectory(Path.Combine(library, "below")); break;
            case "a link": File.CreateSymbolicLink(library, cache.File("victim")); break;
            case "writable by others":
                File.WriteAllBytes(library, whole);
                Allow(library, UnixFileMode.OtherWrite);
                break;
        }
        Assert.Equal((library, 2), (Find(cache, sources), _builds));
        Assert.Equal(whole, File.ReadAllBytes(library));
        Assert.Null(new FileInfo(library).LinkTarget);
        Assert.Equal("text", File.ReadAllText(cache.File("victim")));
        Assert.Equal((library, 2), (Find(cache, sources), _builds));
        Assert.Equal([Path.GetDirectoryName(library)!], Directory.GetDirectories(cache.Path));
    }

    [Fact]
    public void Changed_sources_and_a_folder_that_others_may_write_give_a_new_library()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Skipped: the emulator is built on Linux");
        using var cache = new TemporaryFolder();
        using var sources = new TemporaryFolder();
        File.WriteAllText(sources.File("driver/a.cpp"), "text");
        string first = Find(cache, sources);
        File.WriteAllText(sources.File("test/b.cpp"), "no part of the library");
        Assert.Equal(first, Find(cache, sources));
        File.WriteAllText(sources.File("driver/a.cpp"), "changed");
        Assert.NotEqual(first, Find(cache, sources));
        Assert.Equal(2, _builds);
        File.WriteAllText(sources.File("driver/a.cpp"), "text");
        Allow(Path.GetDirectoryName(first)!, UnixFileMode.GroupWrite);
        Assert.Equal((first, 3), (Find(cache, sources), _builds));
        Assert.Equal((first, 3), (Find(cache, sources), _builds));
    }

    [Fact]
    public void A_failed_build_leaves_nothing_and_a_killed_one_is_removed_by_the_next()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Skipped: locks of files are Linux's");
        using var cache = new TemporaryFolder();
        using var sources = new TemporaryFolder();
        File.WriteAllText(sources.File("a.cpp"), "text");
        Assert.Throws<CudaException>(() => EmulatorBuild.Find(cache.Path, sources.Path, (_, _) => throw new CudaException("no g++")));
        Assert.Empty(Directory.GetFileSystemEntries(cache.Path));

        // A folder whose lock nobody holds, one of another name, one that was just made, and one whose process lives.
        string random = new('0', 32), key = new('a', 16), left = $"{key}.{random}.tmp", early = $"{key}.{new string('1', 32)}.tmp";
        File.WriteAllText(cache.File($"{left}/lock"), "");
        File.WriteAllText(cache.File($"{left}/device/memory.h"), "");
        File.WriteAllText(cache.File($"results.{random}.tmp/lock"), "");
        Directory.CreateDirectory(cache.File(early));
        using WorkFolder living = WorkFolder.Create(cache.Path, key);
        string library = Find(cache, sources);
        Assert.Equal(
            new[] { $"results.{random}.tmp", early, Path.GetFileName(living.Path), Path.GetFileName(Path.GetDirectoryName(library))! }
                .Order(),
            Directory.GetDirectories(cache.Path).Select(path => Path.GetFileName(path)!).Order());
    }

    [Fact]
    public void Only_the_script_of_the_checkout_of_the_program_is_run()
    {
        using var folder = new TemporaryFolder();
        string program = Path.GetDirectoryName(folder.File("csunet/src/Cli/bin/csunet"))!;
        File.WriteAllText(folder.File("emulator/build"), "echo planted");
        Assert.Null(EmulatorBuild.CheckoutOf(program));
        File.WriteAllText(folder.File("csunet/emulator/build"), "echo built");
        Assert.Null(EmulatorBuild.CheckoutOf(program));
        File.WriteAllText(folder.File("csunet/CsUnet.Engine.slnx"), "");
        Assert.Equal(folder.File("csunet/emulator"), EmulatorBuild.CheckoutOf(program));
        if (OperatingSystem.IsWindows())
            return;
        Allow(folder.File("csunet/emulator/build"), UnixFileMode.OtherWrite);
        Assert.Null(EmulatorBuild.CheckoutOf(program));
    }

    private string Find(TemporaryFolder cache, TemporaryFolder sources) => EmulatorBuild.Find(cache.Path, sources.Path, (from, to) =>
    {
        _builds++;
        Assert.Equal(sources.Path, from);
        File.WriteAllText(Path.Combine(to, "libcsunet_emulator.so"), "library of " + File.ReadAllText(Directory.GetFiles(from, "a.cpp",
            SearchOption.AllDirectories)[0]));
    });

#pragma warning disable CA1416 // the tests that call it skip on Windows
    private static void Allow(string path, UnixFileMode more) => File.SetUnixFileMode(path, File.GetUnixFileMode(path) | more);
#pragma warning restore CA1416
}
