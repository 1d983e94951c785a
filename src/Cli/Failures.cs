using CsUnet.Cuda;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>Turns an exception into what a user reads: one line on standard error, and an exit code.</summary>
internal static class Failures
{
    /// <summary>Set to 1, the whole stack trace follows the message.</summary>
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

    private static string Message(Exception failure) => failure switch
    {
        OutOfMemoryException => "out of memory; use a smaller --batch, --size or --model",
        // These say in their message what a user can act on; anything else is a defect of the program and says so.
        UsageException or RunException or DataException or WeightFileException or IOException or UnauthorizedAccessException
            or InvalidDataException or ArgumentException or FormatException or InvalidOperationException or NotSupportedException or CudaException => failure.Message,
        _ => $"internal error, {failure.GetType().Name}: {failure.Message} (set {TraceVariable}=1 for details)",
    };
}
