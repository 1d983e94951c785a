using System.Globalization;

namespace CsUnet.Kernels;

/// <summary>A number in the launch of a variant that changes its time and not its result.</summary>
/// <param name="Name">Its name, such as <c>blocks_per_multiprocessor</c>.</param>
/// <param name="Values">The values that a search tries.</param>
public sealed record LaunchParameter(string Name, params IReadOnlyList<int> Values);
