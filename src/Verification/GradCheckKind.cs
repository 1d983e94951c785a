namespace CsUnet.Verification;

/// <summary>The subject of a check and what it compares.</summary>
public enum GradCheckKind
{
    /// <summary>An operator's case in double: analytic against numeric gradients.</summary>
    Operator,

    /// <summary>A module of the network in double.</summary>
    Module,

    /// <summary>A whole network in double.</summary>
    Network,

    /// <summary>An operator's kernels on a CUDA device against the analytic gradients in double.</summary>
    Kernel,

    /// <summary>Random shapes of an operator.</summary>
    Shapes,
}
