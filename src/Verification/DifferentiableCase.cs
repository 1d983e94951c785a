using CsUnet.Autograd;

namespace CsUnet.Verification;

/// <summary>A function of variables, ready for a gradient check.</summary>
/// <param name="Function">Computes the output.</param>
/// <param name="Arguments">The variables to differentiate by.</param>
/// <param name="Names">The arguments' names, with their paths.</param>
public sealed record DifferentiableCase(Func<Variable> Function, IReadOnlyList<Variable> Arguments, IReadOnlyList<string> Names)
{
    /// <summary>Paths of the batch norms among the arguments, each with a point at the end.</summary>
    public IReadOnlyList<string> BatchNorms { get; init; } = [];
}
