using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>A tensor that an operator cannot take: names operator, argument, what it got, and what it expected.</summary>
public sealed class ShapeException : ArgumentException, IProblem
{
    /// <summary>An argument that is one thing and should be another.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="argument">The argument.</param>
    /// <param name="got">What it is; null where it is missing.</param>
    /// <param name="expected">What would be right, a noun phrase.</param>
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

    /// <summary>The operator that refused.</summary>
    public string Operator { get; }

    /// <summary>The refused argument.</summary>
    public string Argument { get; }

    string IProblem.Place => Operator;

    /// <inheritdoc />
    public string Problem { get; }

    /// <inheritdoc />
    public string? Expected { get; }

    /// <inheritdoc />
    public string? Remedy { get; }

    /// <summary>An error in words of its own.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="argument">The argument that it is about.</param>
    /// <param name="problem">What is wrong, a clause.</param>
    /// <param name="expected">What would be right, a noun phrase; null where the problem says it all.</param>
    /// <param name="remedy">What to do; null where nothing but the expectation helps.</param>
    public static ShapeException Because(string op, string argument, string problem, string? expected = null, string? remedy = null) =>
        new(op, problem, expected, argument, remedy);
}
