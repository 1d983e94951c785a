using CsCheck;

namespace CsUnet.Verification;

/// <summary>One number that a shape depends on.</summary>
/// <param name="Name">Its name in labels.</param>
/// <param name="Minimum">The smallest value, where shrinking goes.</param>
/// <param name="Maximum">The largest.</param>
/// <param name="Preferred">Values that a third of the draws take: vector widths, tile sizes, and one off them.</param>
internal sealed record ShapeParameter(string Name, int Minimum, int Maximum, params IReadOnlyList<int> Preferred)
{
    /// <summary>Draws of a preferred value, for two of any.</summary>
    public int PreferredWeight { get; init; } = 1;

    public Gen<int> Draw() => Preferred.Count == 0
        ? Gen.Int[Minimum, Maximum]
        : Gen.Frequency((2, Gen.Int[Minimum, Maximum]), (PreferredWeight, Gen.OneOfConst([.. Preferred])));
}
