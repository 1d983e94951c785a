namespace CsUnet.Verification;

/// <summary>How exactly an operator must repeat in float32 what it computes in double.</summary>
public enum Exactness
{
    /// <summary>It only moves data: bit for bit.</summary>
    Moves,

    /// <summary>A few roundings per element.</summary>
    Elementwise,

    /// <summary>Sums over rows, channels, windows or a matrix product's inner dimension.</summary>
    Sums,
}
