using System.Diagnostics;
using CsUnet.Cli;
using CsUnet.Tests.Cli;
using CsUnet.Training;

namespace CsUnet.Tests.Robustness;

/// <summary>What is printed never decides whether the work goes on.</summary>
public sealed class DisplayTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    private string Train(string redirection) => $"{ChildProgram.TinyTraining} --steps 3 --out '{_workspace["run"]}' {redirection}";

    private RunRecord Record() => RunRecord.Load(RunFolder.Open(_workspace["run"]));

    [Theory]
    [InlineData("> /dev/full", "No space left on device", true)]
    [InlineData("> /dev/full 2>&1", "No space left on device", false)]
    [InlineData("<&- >&- 2>&-", "it is closed", false)]
    public void A_training_ends_well_though_its_output_is_lost(string redirection, string reason, bool isSaid)
    {
        ChildProgram.Require();
        ProgramRun run = ChildProgram.Run(Train(redirection));
        Assert.Equal(0, run.Code);
        Assert.Equal(isSaid ? $"warning: standard output cannot be written ({reason}); what is printed there is lost\n" : "", run.Error);
        Assert.Equal(("completed", 3), (Record().Outcome, Record().Step));
        Assert.Contains(reason, Record().LostOutput);
        Assert.True(File.Exists(Path.Combine(_workspace["run"], "report.html")));
    }

    [Fact]
    public void A_training_goes_on_after_the_reader_of_its_output_has_gone()
    {
        ChildProgram.Require();
        using Process process = ChildProgram.Start(Train(""));
        process.StandardOutput.Close();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("warning: standard output cannot be written (Broken pipe)", error);
        Assert.Equal("completed", Record().Outcome);
    }

    [Fact]
    public void A_list_ends_quietly_when_its_reader_has_seen_enough()
    {
        ChildProgram.Require();
        ProgramRun run = ChildProgram.Run("kernels list | head -1");
        Assert.Equal(0, run.Code);
        Assert.Equal("activation.cu\n", run.Out);
        Assert.Empty(run.Error);
    }

    [Theory]
    [InlineData("devices > /dev/full")]
    [InlineData("train --help >&-")]
    public void A_command_whose_result_is_its_output_fails_with_one_line(string call)
    {
        ChildProgram.Require();
        ProgramRun run = ChildProgram.Run(call);
        Assert.Equal(1, run.Code);
        Assert.StartsWith("warning: standard output cannot be written", run.Error);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void An_error_that_cannot_be_printed_keeps_its_exit_code()
    {
        ChildProgram.Require();
        ProgramRun run = ChildProgram.Run("trian 2> /dev/full");
        Assert.Equal(2, run.Code);
        Assert.Contains("standard error cannot be written (No space left on device)", run.Out);
    }

    [Fact]
    public void A_writer_keeps_its_first_failure_and_goes_on_when_it_can()
    {
        var output = new FailingWriter();
        var error = new StringWriter();
        var terminal = new Terminal(output, error, isInteractive: false);
        terminal.WriteLine("before");
        output.Fails = true;
        terminal.WriteLine("lost");
        terminal.WriteLine("lost, too");
        output.Fails = false;
        terminal.WriteLine("after");
        Assert.Equal("before\nafter\n", output.ToString());
        Assert.Equal("warning: standard output cannot be written (number 1); what is printed there is lost\n", error.ToString());
        Assert.True(terminal.HasLostOutput);
    }

    private sealed class FailingWriter : StringWriter
    {
        private int _failures;

        public bool Fails { get; set; }

        public override void Write(string? value)
        {
            if (Fails)
                throw new IOException($"number {++_failures}");
            base.Write(value);
        }
    }
}
