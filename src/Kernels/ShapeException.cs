namespace CsUnet.Kernels;

/// <summary>A tensor that an operator cannot take: names operator, argument, what it got, and what it expected.</summary>
public sealed class ShapeException(string op, string argument, object? got, string expected)
    : ArgumentException($"{op}: {argument} is {got ?? "missing"}, expected {expected}")
{
    /// <summary>The operator that refused.</summary>
    public string Operator { get; } = op;

    /// <summary>The refused argument.</summary>
    public string Argument { get; } = argument;
}
