namespace CsUnet.Tensors;

/// <summary>
/// Work that a CUDA graph cannot record was called inside <see cref="CudaDevice.Record"/>: a copy from or to the host, an allocation, or a
/// wait. The message names the operator that called it.
/// </summary>
public sealed class RecordingException : InvalidOperationException, IProblem
{
    private const string Unrecorded = "run it without recording";

    /// <summary>An error, thrown at the call itself.</summary>
    /// <param name="problem">What was called.</param>
    public RecordingException(string problem) : this(problem, null, null)
    {
    }

    private RecordingException(string problem, string? operation, Exception? cause)
        : base(Compose(problem, operation), cause)
    {
        Problem = problem;
        Operation = operation;
    }

    /// <summary>What was called.</summary>
    public string Problem { get; }

    string IProblem.Place => Subject(Operation);

    string? IProblem.Expected => null;

    string IProblem.Remedy => Unrecorded;

    /// <summary>The operator and pass that made the call; null if no operator did.</summary>
    public string? Operation { get; }

    /// <summary>The same error with the operator's name.</summary>
    public RecordingException In(string operation) => new(Problem, operation, this);

    private static string Compose(string problem, string? operation) =>
        ProblemText.Compose(Subject(operation), problem, remedy: Unrecorded);

    private static string Subject(string? operation) => $"{operation ?? "the step"} cannot be recorded as a CUDA graph";
}
