namespace CsUnet.Verification;

/// <summary>How closely an operator's float32 result must match its double result.</summary>
public enum Exactness
{
    /// <summary>Data movement only: bit for bit.</summary>
    Moves,

    /// <summary>A few roundings per element.</summary>
    Elementwise,

    /// <summary>Sums over rows, channels, windows or a matrix product's inner dimension.</summary>
    Sums,
}
