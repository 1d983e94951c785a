namespace CsUnet.Autograd;

/// <summary>The checks of a gradient check. Each finds mistakes that the others cannot see.</summary>
[Flags]
public enum GradientChecks
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>
    /// Derivatives with respect to single entries against central differences: all entries of small arguments, a sample of large ones.
    /// </summary>
    Entries = 1,

    /// <summary>
    /// The derivative along a random direction, (f(x+hv) - f(x-hv)) / 2h, against &lt;gradient, v&gt;. Every entry takes part.
    /// </summary>
    Direction = 2,

    /// <summary>A second evaluation gives the same bits, for the output and every gradient.</summary>
    Repeat = 4,

    /// <summary>A second backward pass without clearing doubles the gradients.</summary>
    Accumulate = 8,

    /// <summary>Backward adds to an existing gradient, here random numbers.</summary>
    Start = 16,

    /// <summary>A tensor used twice, as an intermediate value of a larger graph, gets the sum of both gradients.</summary>
    UsedTwice = 32,

    /// <summary>
    /// Views give the same results as copies: an input sliced out of the middle of a tensor and reshaped, and a reshaped output.
    /// </summary>
    View = 64,

    /// <summary>All of them.</summary>
    All = Entries | Direction | Repeat | Accumulate | Start | UsedTwice | View,
}
