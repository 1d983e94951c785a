namespace CsUnet.Autograd;

/// <summary>How a gradient check goes about it.</summary>
public sealed record GradientCheckOptions
{
    /// <summary>Largest error that passes, relative to the largest entry of the argument's gradient.</summary>
    public double Tolerance { get; init; } = 1e-7;

    /// <summary>
    /// Largest difference between two gradients that are equal in exact arithmetic (<see cref="GradientChecks.Accumulate"/>,
    /// <see cref="GradientChecks.Start"/>, <see cref="GradientChecks.UsedTwice"/>, <see cref="GradientChecks.View"/>), relative to the
    /// largest entry: sums may be taken in another order.
    /// </summary>
    public double Rounding { get; init; } = 1e-12;

    /// <summary>What is looked at.</summary>
    public GradientChecks Checks { get; init; } = GradientChecks.All;

    /// <summary>
    /// Entries of an argument that are checked one by one; of larger arguments that many are drawn, spread over all of it.
    /// </summary>
    public int MaxEntries { get; init; } = 100;

    /// <summary>
    /// Share of an argument's entries that may stay undecided, because the numeric derivative is less exact than the tolerance; rounded
    /// down.
    /// </summary>
    public double MaxUndecided { get; init; } = 0.1;

    /// <summary>
    /// The first difference step, a power of two so that steps from numbers of few digits are exact; an entry's is relative to max(1, |x|).
    /// It shrinks where the function bends or has a kink, and grows, up to 64 times, where rounding is all that there is.
    /// </summary>
    public double Step { get; init; } = 1.0 / (1 << 13);

    /// <summary>Seed of the output weights g, the directions and the choice of entries.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Names of the arguments in the report, one each; null for the variables' own, which for parameters lack the path.</summary>
    public IReadOnlyList<string>? Names { get; init; }

    /// <summary>
    /// One word per argument: those with the same one are moved, checked and reported together, as if they were one long tensor. Null
    /// reports every argument alone.
    /// </summary>
    public IReadOnlyList<string>? Groups { get; init; }
}
