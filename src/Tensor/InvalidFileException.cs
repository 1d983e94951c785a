namespace CsUnet.Tensors;

/// <summary>A file of the engine's own, such as stored kernel choices or a profile, cannot be read.</summary>
/// <param name="problem">Where and what.</param>
/// <param name="remedy">What to do, where the problem itself does not say it.</param>
public sealed class InvalidFileException(FileProblem problem, string remedy)
    : IOException(ProblemText.Compose(problem.Place, problem.Problem, problem.Expected, problem.Remedy ?? remedy), problem.Cause), IProblem
{
    /// <inheritdoc />
    public string Place { get; } = problem.Place;

    /// <inheritdoc />
    public string Problem { get; } = problem.Problem;

    /// <inheritdoc />
    public string? Expected { get; } = problem.Expected;

    /// <inheritdoc />
    public string Remedy { get; } = problem.Remedy ?? remedy;
}
