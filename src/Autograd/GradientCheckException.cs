namespace CsUnet.Autograd;

/// <summary>Thrown by <see cref="GradientCheck.Require"/> when gradients do not agree.</summary>
/// <param name="op">The operator's name.</param>
/// <param name="findings">The differences, one line each.</param>
public sealed class GradientCheckException(string op, string findings) : Exception($"{op}: its gradients do not agree:\n{findings}")
{
    /// <summary>The differences, one line each.</summary>
    public string Findings { get; } = findings;
}
