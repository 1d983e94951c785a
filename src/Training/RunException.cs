using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>A run cannot start or continue. The message names the file, step or option, the expectation and the remedy.</summary>
public class RunException : Exception, IProblem
{
    /// <summary>Creates an error from its parts.</summary>
    /// <param name="problem">What is wrong.</param>
    /// <param name="expected">What would be right, as a noun phrase; null if the problem is enough.</param>
    /// <param name="place">The file, the file and line, or the step; null if there is none.</param>
    /// <param name="remedy">What to do, as a clause; null if the expectation is enough.</param>
    /// <param name="cause">The error that caused this one.</param>
    public RunException(string problem, string? expected = null, string? place = null, string? remedy = null, Exception? cause = null)
        : base(ProblemText.Compose(place, problem, expected, remedy), cause)
    {
        Problem = problem;
        Expected = expected;
        Place = place;
        Remedy = remedy;
    }

    /// <inheritdoc />
    public override string Message => ProblemText.WithLines(base.Message, Lines);

    /// <inheritdoc />
    public IReadOnlyList<string> Lines { get; init; } = [];

    /// <summary>The kind of failure, for callers that can say more than the message.</summary>
    public RunFault Fault { get; init; }

    /// <inheritdoc />
    public string? Place { get; }

    /// <inheritdoc />
    public string Problem { get; }

    /// <inheritdoc />
    public string? Expected { get; }

    /// <inheritdoc />
    public string? Remedy { get; }
}
