namespace CsUnet.Kernels;

/// <summary>A number in the launch of a variant that changes its speed but not its result.</summary>
/// <param name="Name">Its name, such as <c>blocks_per_multiprocessor</c>.</param>
/// <param name="Values">The values that a search tries.</param>
/// <param name="Usual">The default value.</param>
public sealed record LaunchParameter(string Name, IReadOnlyList<int> Values, int Usual);
