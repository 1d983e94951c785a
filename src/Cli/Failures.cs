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
        if (failure is AggregateException { InnerExceptions.Count: 1 } aggregate)
            failure = aggregate.InnerExceptions[0];
        if (failure is OperationCanceledException)
        {
            terminal.Error.WriteLine("stopped");
            return ExitCode.Interrupted;
        }
        terminal.Error.WriteLine($"error: {Message(failure)}");
        if (Environment.GetEnvironmentVariable(TraceVariable) == "1")
            terminal.Error.WriteLine(failure);
        return IsUsage(failure) ? ExitCode.Usage : ExitCode.Failure;
    }

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
            return $"internal error, {failure.GetType().Name}: {failure.Message} (set {TraceVariable}=1 for details)";
        string? remedy = Remedies.For(failure);
        return failure switch
        {
            OutOfMemoryException => ProblemText.Compose(null, "out of memory", remedy: remedy),
            IProblem problem => ProblemText.Compose(problem.Place, problem.Problem, problem.Expected, remedy ?? problem.Remedy),
            _ => remedy is null ? failure.Message : ProblemText.Compose(null, failure.Message.TrimEnd('.'), remedy: remedy),
        };
    }
}
