using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>A run that cannot start or go on: the message names the file, step or option, what was expected, and the remedy.</summary>
public class RunException : Exception, IProblem
{
    /// <summary>An error with its message.</summary>
    public RunException(string message) : base(message) => Problem = message;

    /// <summary>An error with its message and cause.</summary>
    public RunException(string message, Exception cause) : base(message, cause) => Problem = message;

    /// <summary>An error in parts.</summary>
    /// <param name="problem">What is wrong.</param>
    /// <param name="expected">What would be right, a noun phrase.</param>
    /// <param name="place">The file, the file and its line, or the step.</param>
    /// <param name="remedy">What to do.</param>
    /// <param name="cause">The error that led to it.</param>
    public RunException(string problem, string? expected, string? place, string? remedy, Exception? cause = null)
        : base(ProblemText.Compose(place, problem, expected, remedy), cause)
    {
        Problem = problem;
        Expected = expected;
        Place = place;
        Remedy = remedy;
    }

    /// <inheritdoc />
    public string? Place { get; }

    /// <inheritdoc />
    public string Problem { get; }

    /// <inheritdoc />
    public string? Expected { get; }

    /// <inheritdoc />
    public string? Remedy { get; }
}
