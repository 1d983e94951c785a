using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>A run that cannot start or go on: the message names the file, step or option, what was expected, and the remedy.</summary>
public class RunException : Exception, IProblem
{
    /// <summary>An error in parts.</summary>
    /// <param name="problem">What is wrong.</param>
    /// <param name="expected">What would be right, a noun phrase; null where the problem says it all.</param>
    /// <param name="place">The file, the file and its line, or the step; null where there is none.</param>
    /// <param name="remedy">What to do, a clause; null where nothing but the expectation helps.</param>
    /// <param name="cause">The error that led to it.</param>
    public RunException(string problem, string? expected = null, string? place = null, string? remedy = null, Exception? cause = null)
        : base(ProblemText.Compose(place, problem, expected, remedy), cause)
    {
        Problem = problem;
        Expected = expected;
        Place = place;
        Remedy = remedy;
    }

    /// <summary>What happened, for callers that know more than the message.</summary>
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
