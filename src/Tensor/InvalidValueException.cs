namespace CsUnet.Tensors;

/// <summary>A value that a setting of the engine cannot have: an <see cref="ArgumentException"/> in parts.</summary>
/// <param name="argument">The setting or argument.</param>
/// <param name="problem">What is wrong.</param>
/// <param name="expected">What would be right, a noun phrase; null where the problem says it all.</param>
/// <param name="remedy">What to do; null where nothing but the expectation helps.</param>
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
