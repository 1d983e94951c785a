namespace CsUnet.Autograd;

/// <summary>What a gradient check looks at. Each is sensitive to mistakes that the others cannot see.</summary>
[Flags]
public enum GradientChecks
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The derivative by single entries against central differences: all entries of small arguments, a sample of large ones.</summary>
    Entries = 1,

    /// <summary>The derivative along a random direction, (f(x+hv) - f(x-hv)) / 2h, against &lt;gradient, v&gt;: every entry takes part.</summary>
    Direction = 2,

    /// <summary>A second evaluation gives the bits of the first, of the output and of every gradient.</summary>
    Repeat = 4,

    /// <summary>A second backward pass without clearing doubles the gradients.</summary>
    Accumulate = 8,

    /// <summary>A gradient that is there already, random numbers here, is added to.</summary>
    Start = 16,

    /// <summary>A tensor used twice, as the intermediate value of a larger graph, gets the sum of both gradients.</summary>
    UsedTwice = 32,

    /// <summary>A slice out of the middle of a tensor, reshaped, and an output reshaped again: views give what copies give.</summary>
    View = 64,

    /// <summary>All of them.</summary>
    All = Entries | Direction | Repeat | Accumulate | Start | UsedTwice | View,
}

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

    /// <summary>Entries of an argument that are checked one by one; of larger arguments that many are drawn, spread over all of it.</summary>
    public int MaxEntries { get; init; } = 100;

    /// <summary>
    /// Share of an argument's entries that may stay undecided, because the numeric derivative is less exact than the tolerance; rounded down.
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
