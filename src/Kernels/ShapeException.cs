using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// An operator does not support a tensor. The message names the operator, the argument, its value and the expected value.
/// </summary>
public sealed class ShapeException : ArgumentException, IProblem
{
    /// <summary>An argument that has another value than expected.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="argument">The argument.</param>
    /// <param name="got">Its value; null if it is missing.</param>
    /// <param name="expected">The expected value, as a noun phrase.</param>
    public ShapeException(string op, string argument, object? got, string expected)
        : this(op, $"{argument} is {got ?? "missing"}", expected, argument, null)
    {
    }

    private ShapeException(string op, string problem, string? expected, string argument, string? remedy)
        : base(ProblemText.Compose(op, problem, expected, remedy))
    {
        Operator = op;
        Argument = argument;
        Problem = problem;
        Expected = expected;
        Remedy = remedy;
    }

    /// <summary>The operator that threw.</summary>
    public string Operator { get; }

    /// <summary>The invalid argument.</summary>
    public string Argument { get; }

    string IProblem.Place => Operator;

    /// <inheritdoc />
    public string Problem { get; }

    /// <inheritdoc />
    public string? Expected { get; }

    /// <inheritdoc />
    public string? Remedy { get; }

    /// <summary>An error with a text of its own.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="argument">The argument in question.</param>
    /// <param name="problem">What is wrong, a clause.</param>
    /// <param name="expected">The expected value, as a noun phrase; null if the problem makes it clear.</param>
    /// <param name="remedy">What to do; null if there is no advice beyond the expectation.</param>
    public static ShapeException Because(string op, string argument, string problem, string? expected = null, string? remedy = null) =>
        new(op, problem, expected, argument, remedy);
}
