namespace CsUnet.Autograd;

/// <summary>Settings of a gradient check.</summary>
public sealed record GradientCheckOptions
{
    /// <summary>The largest error that passes, relative to the largest entry of the argument's gradient.</summary>
    public double Tolerance { get; init; } = 1e-7;

    /// <summary>
    /// The largest difference allowed between two gradients that are equal in exact arithmetic (<see cref="GradientChecks.Accumulate"/>,
    /// <see cref="GradientChecks.Start"/>, <see cref="GradientChecks.UsedTwice"/>, <see cref="GradientChecks.View"/>), relative to the
    /// largest entry. The two may add in a different order.
    /// </summary>
    public double Rounding { get; init; } = 1e-12;

    /// <summary>The checks to run.</summary>
    public GradientChecks Checks { get; init; } = GradientChecks.All;

    /// <summary>
    /// The most entries of an argument that are checked one by one. From a larger argument, this many are drawn, spread over all of it.
    /// </summary>
    public int MaxEntries { get; init; } = 100;

    /// <summary>
    /// The share of an argument's entries, rounded down, that may stay undecided because the numeric derivative is less exact than the
    /// tolerance.
    /// </summary>
    public double MaxUndecided { get; init; } = 0.1;

    /// <summary>
    /// The first difference step. A power of two makes steps from numbers of few digits exact. For an entry x it is relative to max(1,
    /// |x|). It shrinks where the function bends or has a kink. It grows, up to 64 times, where rounding dominates the error.
    /// </summary>
    public double Step { get; init; } = 1.0 / (1 << 13);

    /// <summary>Seed of the output weights g, the directions and the choice of entries.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>
    /// Names of the arguments in the report, one each; null: the variables' own names, which for parameters lack the path.
    /// </summary>
    public IReadOnlyList<string>? Names { get; init; }

    /// <summary>
    /// One word per argument. Arguments with the same word are moved, checked and reported together, like one long tensor. Null reports
    /// every argument separately.
    /// </summary>
    public IReadOnlyList<string>? Groups { get; init; }
}
