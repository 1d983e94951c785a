namespace CsUnet.Autograd;

/// <summary>Gradients that do not agree: what <see cref="GradientCheck.Require"/> throws.</summary>
/// <param name="op">The operator's name.</param>
/// <param name="findings">What was found, one line each.</param>
public sealed class GradientCheckException(string op, string findings) : Exception($"{op}: its gradients do not agree:\n{findings}")
{
    /// <summary>What was found, one line each.</summary>
    public string Findings { get; } = findings;
}
