namespace CsUnet.Lab;

/// <summary>The least time of a launch on a GPU, and what limits it.</summary>
/// <param name="Counts">Its counts.</param>
/// <param name="Usage">Registers and shared memory; null if unknown.</param>
/// <param name="BlocksPerMultiprocessor">Resident blocks per multiprocessor; 0 if a block does not fit.</param>
/// <param name="Occupancy">Occupancy: resident warps over the maximum.</param>
/// <param name="Seconds">The least time.</param>
/// <param name="Bound">What limits it.</param>
/// <param name="MemorySeconds">The time of its memory traffic alone.</param>
/// <param name="ArithmeticSeconds">The time of its products alone, on the matrix units or outside, with all multiprocessors busy.</param>
public sealed record ProjectedLaunch(
    CountedLaunch Counts, KernelUsage? Usage, int BlocksPerMultiprocessor, double Occupancy, double Seconds, Bound Bound,
    double MemorySeconds, double ArithmeticSeconds);
