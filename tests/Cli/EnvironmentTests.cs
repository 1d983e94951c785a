using System.Diagnostics;
using CsUnet.Cli;
using CsUnet.Tests.Cuda;

namespace CsUnet.Tests.Cli;

/// <summary>What the program says where its environment lacks something: one line, and nothing in the current folder.</summary>
public sealed class EnvironmentTests : IDisposable
{
    private const string None = "/csunet-no-such-folder";

    private static readonly string[] s_check = ["lab", "check", "--op", "relu", "--shape", "8x8", "--device", "cuda:emulated"];

    private readonly Workspace _workspace = new();

    [Theory]
    [InlineData("HOME", None, "HOME names no folder that exists", "TMPDIR")]
    [InlineData("HOME", ".", "HOME is './.cache/csunet', expected an absolute path", "TMPDIR")]
    [InlineData("PATH", None, "'bash' cannot be started", "install bash")]
    [InlineData("CSUNET_EMULATOR_LIBRARY", None, "CSUNET_EMULATOR_LIBRARY: there is no file /csunet-no-such-folder", "unset the variable")]
    [InlineData("CSUNET_KERNELS", None, "CSUNET_KERNELS: there is no folder: /csunet-no-such-folder", "a copy of the folder kernels/")]
    [InlineData("CSUNET_KERNELS", "/etc/hostname", "CSUNET_KERNELS: this is no folder: /etc/hostname", "unset the variable")]
    public void One_line_says_what_is_missing(string name, string value, params string[] parts)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Skipped: the emulator is built on Linux");
        // A cache folder of its own, so that the emulator would have to be built, and no temporary folder.
        ProgramRun run = Run(name == "CSUNET_KERNELS" ? ["kernels", "list"] : s_check,
            (name == "HOME" ? "TMPDIR" : "HOME", name == "HOME" ? None : _workspace["home"]), (name, value));
        Assert.True(run.Code == ExitCode.Failure, $"exit code {run.Code}: {run.Error}");
        string line = Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("error: ", line);
        foreach (string part in parts)
            Assert.Contains(part, line);
        Assert.Empty(_workspace.Files("here"));
    }

    [Fact]
    public void Without_a_home_folder_kernels_are_compiled_in_a_temporary_one_that_is_removed()
    {
        Assert.SkipUnless(TestFiles.RunsAll, "Skipped: builds the emulator once more; './test --all' runs it");
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        Directory.CreateDirectory(_workspace["temporary"]);
        Directory.CreateDirectory(_workspace["here/.cache/csunet/tuning"]);
        File.WriteAllText(_workspace["here/.cache/csunet/tuning/cpu.json"], "planted");
        ProgramRun run = Run(s_check, ("HOME", None), ("TMPDIR", _workspace["temporary"]));
        Assert.True(run.Code == ExitCode.Success, run.Error);
        Assert.Contains("lost at the end", Assert.Single(run.Error.TrimEnd('\n').Split('\n')));
        Assert.Empty(Directory.GetFileSystemEntries(_workspace["temporary"]));
        Assert.Equal([".cache/csunet/tuning/cpu.json"], _workspace.Files("here"));
    }

    /// <summary>The emulator's kernels in the cache, damaged between two calls of the program.</summary>
    [Fact]
    public void Damaged_kernels_are_compiled_again()
    {
        Assert.SkipUnless(TestFiles.RunsAll, "Skipped: compiles kernels ten times; './test --all' runs it");
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        ProgramRun Check() => Run(s_check, ("CSUNET_CACHE", _workspace["cache"]), ("CSUNET_EMULATOR_LIBRARY", EmulatorLibrary.Path!));
        Assert.Equal((ExitCode.Success, ""), (Check().Code, Check().Error));
        string library = Assert.Single(Directory.GetFiles(_workspace["cache"], "csunet_kernels.so", SearchOption.AllDirectories));
        byte[] whole = File.ReadAllBytes(library);
        foreach (byte[] damaged in new[] { [], whole[..1000], whole[..(whole.Length / 2)], whole[..^1], new byte[whole.Length],
            [.. whole.Select((value, at) => at == whole.Length / 2 ? (byte)(value ^ 1) : value)] })
        {
            File.WriteAllBytes(library, damaged);
            ProgramRun run = Check();
            Assert.True(run.Code == ExitCode.Success, run.Error);
            Assert.Contains($"{library} was damaged", Assert.Single(run.Error.TrimEnd('\n').Split('\n')));
            Assert.Equal((ExitCode.Success, ""), (Check().Code, Check().Error));
        }
    }

    public void Dispose() => _workspace.Dispose();

    private ProgramRun Run(string[] args, params (string Name, string Value)[] variables)
    {
        Directory.CreateDirectory(_workspace["home"]);
        Directory.CreateDirectory(_workspace["here"]);
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "csunet"), args)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _workspace["here"],
        };
        foreach (string name in new[] { "CSUNET_CACHE", "XDG_CACHE_HOME", "CSUNET_EMULATOR_CACHE", "CSUNET_EMULATOR_LIBRARY" })
            start.Environment.Remove(name);
        foreach ((string name, string value) in variables)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return new ProgramRun(process.ExitCode, output.Result, error);
    }
}
