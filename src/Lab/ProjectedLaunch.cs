namespace CsUnet.Lab;

/// <summary>The least time that a launch takes on a GPU, and why.</summary>
/// <param name="Counts">What it does.</param>
/// <param name="Usage">Registers and shared memory; null if unknown.</param>
/// <param name="BlocksPerMultiprocessor">Blocks that a multiprocessor holds at once; 0 if a block does not fit.</param>
/// <param name="Occupancy">Share of the multiprocessors' warps that can be resident.</param>
/// <param name="Seconds">The least time.</param>
/// <param name="Bound">What limits it.</param>
/// <param name="MemorySeconds">The time of the memory bus alone.</param>
/// <param name="ArithmeticSeconds">The time of its products alone, on the matrix units or outside, with every multiprocessor at
/// work.</param>
public sealed record ProjectedLaunch(
    CountedLaunch Counts, KernelUsage? Usage, int BlocksPerMultiprocessor, double Occupancy, double Seconds, Bound Bound,
    double MemorySeconds, double ArithmeticSeconds);
