using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>One number that a shape depends on.</summary>
/// <param name="Name">Its name in labels.</param>
/// <param name="Minimum">The smallest value, the target of shrinking.</param>
/// <param name="Maximum">The largest.</param>
/// <param name="Preferred">The values of a third of the draws: vector widths, tile sizes, and their neighbours.</param>
internal sealed record ShapeParameter(string Name, int Minimum, int Maximum, params IReadOnlyList<int> Preferred)
{
    /// <summary>The weight of a preferred value, against 2 for any value.</summary>
    public int PreferredWeight { get; init; } = 1;

    /// <summary>Draws a value.</summary>
    /// <param name="key">What the numbers depend on.</param>
    /// <param name="next">The random number to take next.</param>
    public int Draw(RandomKey key, ref ulong next) => Preferred.Count > 0 && key.Integer(next++, 2 + PreferredWeight) >= 2
        ? Preferred[key.Integer(next++, Preferred.Count)]
        : Minimum + key.Integer(next++, Maximum - Minimum + 1);
}
