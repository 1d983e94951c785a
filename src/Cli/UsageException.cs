using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>An invalid call: exit code 2. The message is one line that names the option and the remedy.</summary>
internal sealed class UsageException : Exception, IProblem
{
    /// <summary>Creates an error from its parts.</summary>
    /// <param name="problem">What is wrong.</param>
    /// <param name="expected">What would be right, as a noun phrase.</param>
    /// <param name="place">The option with its value, or the file.</param>
    /// <param name="remedy">What to do.</param>
    /// <param name="inner">The error that caused this one.</param>
    public UsageException(string problem, string? expected = null, string? place = null, string? remedy = null, Exception? inner = null)
        : base(ProblemText.Compose(place, problem, expected, remedy), inner)
    {
        Problem = problem;
        Expected = expected;
        Place = place;
        Remedy = remedy;
    }

    public override string Message => ProblemText.WithLines(base.Message, Lines);

    /// <inheritdoc />
    public IReadOnlyList<string> Lines { get; init; } = [];

    public string? Place { get; }

    public string Problem { get; }

    public string? Expected { get; }

    public string? Remedy { get; }

    /// <summary>Creates an error about an unknown name.</summary>
    /// <param name="problem">What is wrong.</param>
    /// <param name="name">The name as the user typed it.</param>
    /// <param name="known">The known names.</param>
    /// <param name="place">The option with its value.</param>
    public static UsageException Unknown(string problem, string name, IReadOnlyList<string> known, string? place = null) =>
        new(problem, $"one of {string.Join(", ", known)}", place, NearestName.Hint(name, known));

    /// <summary>Wraps an error of the engine that the call caused, with the program's own remedy.</summary>
    /// <param name="failure">The error.</param>
    /// <param name="option">The option that caused it; null if the message is clear without it.</param>
    public static UsageException From(Exception failure, string? option = null)
    {
        string? remedy = Remedies.For(failure);
        if (failure is not IProblem problem)
            return new UsageException(failure.Message, place: option, remedy: remedy, inner: failure);
        // A user who gave the option on the command line knows its name there, not its key.
        if (failure is OptionException { Place: null } given)
            return new UsageException($"{TrainingArguments.Name(given.Option)} {given.Found}", given.Expected, option, given.Remedy, given);
        string? place = option is null ? problem.Place : problem.Place is null ? option : $"{option}: {problem.Place}";
        return new UsageException(problem.Problem, problem.Expected, place, remedy ?? problem.Remedy, failure) { Lines = problem.Lines };
    }
}
