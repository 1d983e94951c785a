using CsUnet.Autograd;
using CsUnet.Cuda;
using CsUnet.Data;
using CsUnet.Lab;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Cli;

/// <summary>Turns an exception into one line on standard error and an exit code.</summary>
internal static class Failures
{
    /// <summary>If set to 1, the stack trace follows the message.</summary>
    public const string TraceVariable = "CSUNET_TRACE";

    public static int Report(Exception failure, Terminal terminal)
    {
        var work = failure as FailedWorkException;
        failure = First(work?.First ?? failure);
        if (failure is OperationCanceledException)
        {
            terminal.WriteError("stopped");
            return ExitCode.Interrupted;
        }
        terminal.WriteError($"error: {Message(failure)}");
        if (work?.Also is { } also)
            terminal.WriteError($"also: {Message(First(also))}");
        if (Environment.GetEnvironmentVariable(TraceVariable) == "1")
            terminal.WriteError(failure.ToString());
        return work is null && IsUsage(failure) ? ExitCode.Usage : ExitCode.Failure;
    }

    /// <summary>Parallel loops collect the errors of their threads; one is enough to say what is wrong.</summary>
    private static Exception First(Exception failure) =>
        failure is AggregateException aggregate && aggregate.Flatten().InnerExceptions is [var first, ..] ? first : failure;

    private static bool IsUsage(Exception failure) => failure is UsageException or DataException;

    /// <summary>
    /// Whether the message of this exception tells the user what to do. Any other exception is a bug in the program, and its message says
    /// so.
    /// </summary>
    internal static bool IsExplained(Exception failure) => failure is IProblem or OutOfMemoryException
        or CaseException or CheckFailedException or GradientCheckException or IOException or UnauthorizedAccessException
        or InvalidDataException or CudaException;

    private static string Message(Exception failure)
    {
        if (!IsExplained(failure))
            return $"internal error, {failure.GetType().Name}: {PlainText.Of(failure.Message)} (set {TraceVariable}=1 for details)";
        string? remedy = Remedies.For(failure);
        return failure switch
        {
            OutOfMemoryException => ProblemText.Compose(null, "out of memory", remedy: remedy),
            IProblem problem => ProblemText.WithLines(
                ProblemText.Compose(problem.Place, problem.Problem, problem.Expected, remedy ?? problem.Remedy), problem.Lines),
            // Findings about kernels and gradients have lines of their own; no text of a user's file is in them.
            CaseException or CheckFailedException or GradientCheckException or CudaException when remedy is null => failure.Message,
            _ => ProblemText.Compose(null, remedy is null ? failure.Message : failure.Message.TrimEnd('.'), remedy: remedy),
        };
    }
}
