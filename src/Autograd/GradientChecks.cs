namespace CsUnet.Autograd;

/// <summary>What a gradient check looks at. Each is sensitive to mistakes that the others cannot see.</summary>
[Flags]
public enum GradientChecks
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>
    /// The derivative by single entries against central differences: all entries of small arguments, a sample of large ones.
    /// </summary>
    Entries = 1,

    /// <summary>
    /// The derivative along a random direction, (f(x+hv) - f(x-hv)) / 2h, against &lt;gradient, v&gt;: every entry takes part.
    /// </summary>
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
