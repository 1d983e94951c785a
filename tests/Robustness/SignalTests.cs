using System.Diagnostics;
using CsUnet.Tests.Cli;
using CsUnet.Training;

namespace CsUnet.Tests.Robustness;

/// <summary>One signal stops after the step, with a checkpoint; a second one stops at once.</summary>
public sealed class SignalTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData("HUP")]
    public void One_signal_leaves_a_run_that_can_be_resumed(string signal)
    {
        ChildProgram.Require();
        using Process process = Training(ignoresNothing: true);
        ChildProgram.Signal(process, signal);
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), "one signal did not end it");
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("stopping after this step", process.StandardError.ReadToEnd());
        RunFolder folder = RunFolder.Open(_workspace["run"]);
        int step = RunRecord.Load(folder).Step;
        Assert.True(folder.HasCheckpoint && step > 0);
        Assert.Equal(step, Checkpoint.Load(folder.LastPath).Header.Step);
        Assert.DoesNotContain(_workspace.Files("run"), file => file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void A_hang_up_that_is_ignored_stays_ignored()
    {
        ChildProgram.Require();
        using Process process = Training("trap '' HUP; ");
        ChildProgram.Signal(process, "HUP");
        Assert.False(process.WaitForExit(TimeSpan.FromSeconds(1)), "it was to ignore the signal");
        ChildProgram.Signal(process, "TERM");
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.Equal(130, process.ExitCode);
    }

    [Fact]
    public void A_second_signal_ends_a_process_that_does_not_get_to_its_next_step()
    {
        ChildProgram.Require();
        using Process process = ChildProgram.Start($"train --config /dev/stdin 0<> '{Fifo()}'");
        Thread.Sleep(TimeSpan.FromSeconds(1));
        Assert.False(process.HasExited);
        ChildProgram.Signal(process, "TERM");
        Thread.Sleep(TimeSpan.FromSeconds(0.3));
        if (!process.HasExited)
            ChildProgram.Signal(process, "TERM");
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(20)), "two signals did not end it");
    }

    /// <summary>A pipe that nobody writes.</summary>
    private string Fifo()
    {
        using Process make = Process.Start("mkfifo", [_workspace["fifo"]]);
        make.WaitForExit();
        return _workspace["fifo"];
    }

    private Process Training(string before = "", bool ignoresNothing = false)
    {
        string call = $"{ChildProgram.TinyTraining} --steps 1000000 --out '{_workspace["run"]}'";
        Process process = ChildProgram.Start(call, before, ignoresNothing);
        string? line = "";
        while (line is not null && !line.StartsWith("step ", StringComparison.Ordinal))
            line = process.StandardOutput.ReadLine();
        Assert.NotNull(line);
        return process;
    }
}
