namespace CsUnet.Tensors;

/// <summary>A setting of the engine was given a value that it cannot have: an <see cref="ArgumentException"/> in parts.</summary>
/// <param name="argument">The setting or argument.</param>
/// <param name="problem">What is wrong.</param>
/// <param name="expected">The correct value, as a noun phrase; null if the problem makes it clear.</param>
/// <param name="remedy">What to do; null if there is no advice beyond the expectation.</param>
public sealed class InvalidValueException(string argument, string problem, string? expected = null, string? remedy = null)
    : ArgumentException(null, argument), IProblem
{
    /// <inheritdoc />
    public override string Message => ProblemText.Compose(null, Problem, Expected, Remedy);

    string? IProblem.Place => null;

    /// <inheritdoc />
    public string Problem { get; } = problem;

    /// <inheritdoc />
    public string? Expected { get; } = expected;

    /// <inheritdoc />
    public string? Remedy { get; } = remedy;
}
