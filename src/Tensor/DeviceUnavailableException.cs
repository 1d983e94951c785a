using CsUnet.Cuda;

namespace CsUnet.Tensors;

/// <summary>A GPU that was asked for by name cannot be used.</summary>
/// <param name="name">Its name, <c>cuda:0</c>.</param>
/// <param name="problem">Why.</param>
public sealed class DeviceUnavailableException(string name, string problem) : CudaException(ProblemText.Compose($"device {name}", problem)),
    IProblem
{
    /// <inheritdoc />
    public string Place { get; } = $"device {name}";

    /// <inheritdoc />
    public string Problem { get; } = problem;

    string? IProblem.Expected => null;

    string? IProblem.Remedy => null;
}
