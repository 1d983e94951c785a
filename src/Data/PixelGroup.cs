namespace CsUnet.Data;

/// <summary>With probability <paramref name="Probability"/>, one of the operations with equal probability. One operation is the common
/// case.</summary>
/// <param name="Probability">0 to 1.</param>
/// <param name="OneOf">The operations to choose from.</param>
public sealed record PixelGroup(double Probability, IReadOnlyList<PixelOperation> OneOf)
{
    /// <summary>Two groups are equal when probability and operations are.</summary>
    public bool Equals(PixelGroup? other) => other is not null && Probability == other.Probability && OneOf.SequenceEqual(other.OneOf);

    /// <inheritdoc />
    public override int GetHashCode() => OneOf.Aggregate(Probability.GetHashCode(), HashCode.Combine);
}
