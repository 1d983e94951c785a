using CsUnet.Cli;
using CsUnet.Data;
using CsUnet.Tests.Cli;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Robustness;

/// <summary>The first failure is the one that is reported, and the exit code tells whether the work had begun.</summary>
public sealed class FirstFailureTests : IDisposable
{
    private readonly TrainingFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void A_folder_that_is_deleted_during_the_training_is_named_and_not_made_anew()
    {
        RunFolder folder = _fixture.NewFolder("run");
        using Trainer trainer = TrainingFixture.NewTrainer(folder, TrainingFixture.Options);
        RunException failure = Assert.Throws<RunException>(
            () => trainer.Run(new Deleter(folder.Path), TestContext.Current.CancellationToken));
        Assert.Equal(RunFault.NotWritten, failure.Fault);
        Assert.Contains("the checkpoint of step 3 was not written", failure.Message);
        Assert.False(Directory.Exists(folder.Path));
    }

    [Fact]
    public void What_fails_afterwards_is_an_addition()
    {
        ProgramRun run = Report(new FailedWorkException(new RunException("the disk is full"), new IOException("so is the record")));
        Assert.Equal((1, "error: the disk is full\nalso: so is the record\n"), (run.Code, run.Error));
    }

    [Fact]
    public void The_same_error_is_a_wrong_call_before_the_work_and_a_failure_after_it()
    {
        var failure = new DataException("a.png", "cannot be read", "an image");
        Assert.Equal((2, 1), (Report(failure).Code, Report(new FailedWorkException(failure)).Code));
    }

    [Fact]
    public void Of_the_errors_of_parallel_threads_the_first_is_reported() =>
        Assert.StartsWith("error: out of memory; ", Report(new AggregateException(
            new AggregateException(new OutOfMemoryException()), new OutOfMemoryException())).Error);

    private static ProgramRun Report(Exception failure)
    {
        var error = new StringWriter();
        int code = Failures.Report(failure, new Terminal(new StringWriter(), error, isInteractive: false));
        return new ProgramRun(code, "", error.ToString());
    }

    private sealed class Deleter(string folder) : ITrainingObserver
    {
        public void OnStep(StepReport report)
        {
            if (report.Step == 2)
                Directory.Delete(folder, recursive: true);
        }
    }
}
