using System.Diagnostics;
using CsUnet.Tests.Cli;

namespace CsUnet.Tests.Robustness;

/// <summary>The program as a process of its own, started by a shell: with other descriptors, or to receive signals.</summary>
internal static class ChildProgram
{
    /// <summary>The tiny network of these tests: a step takes milliseconds.</summary>
    public const string TinyTraining = "train --model cs-unet-mini --size 32 --batch 2 --embed-dim 8 --encoder-width 8 --threads 1 "
        + "--device cpu --warm-up 0 --validate-every 0 --checkpoint-every 0";

    private static string Program => Path.Combine(AppContext.BaseDirectory, "csunet");

    /// <summary>Skips the calling test where there is no shell with /dev/full.</summary>
    public static void Require() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/dev/full"), "Skipped: needs a Linux shell and /dev/full");

    /// <summary>Runs arguments and redirections as a shell reads them. The exit code is the program's.</summary>
    /// <param name="call">Arguments and redirections.</param>
    /// <param name="variables">Assignments of environment variables.</param>
    public static ProgramRun Run(string call, string variables = "")
    {
        using Process process = Start(call, variables.Length == 0 ? "" : $"export {variables}; ");
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), $"{call}: did not end");
        return new ProgramRun(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Starts a call; the shell is replaced by the program, so the process id is the program's.</summary>
    /// <param name="call">Arguments and redirections.</param>
    /// <param name="before">Commands of the shell before it, such as a trap.</param>
    /// <param name="ignoresNothing">Whether signals act as by default, even if the tests were started with some ignored.</param>
    public static Process Start(string call, string before = "", bool ignoresNothing = false)
    {
        string defaults = ignoresNothing ? "env --default-signal=INT,HUP,TERM " : "";
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"{before}exec {defaults}'{Program}' {call}"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    /// <summary>Sends a signal, such as TERM, to a process.</summary>
    public static void Signal(Process process, string signal)
    {
        using Process kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {process.Id}"]);
        kill.WaitForExit();
    }
}
