using CsUnet.Verification;

namespace CsUnet.Lab;

/// <summary>An operator at a shape that the lab measures.</summary>
/// <param name="Op">The operator's name, such as <c>layer_norm</c>.</param>
/// <param name="Shape">The shape as text, which <see cref="LabCases.Create"/> reads.</param>
/// <param name="Case">The operator and its inputs.</param>
/// <param name="Composition">The same result by unfused operators, a baseline; null for an operator that is one step.</param>
public sealed record LabCase(string Op, string Shape, OperatorCase Case,
    Func<IReadOnlyList<Autograd.Variable?>, Autograd.Variable>? Composition = null)
{
    /// <inheritdoc />
    public override string ToString() => $"{Op} {Shape}";
}
