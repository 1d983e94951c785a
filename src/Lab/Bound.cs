namespace CsUnet.Lab;

/// <summary>What limits a kernel.</summary>
public enum Bound
{
    /// <summary>Memory bandwidth.</summary>
    Memory,

    /// <summary>The load-store units: sectors and shared-memory wavefronts.</summary>
    LoadStore,

    /// <summary>The matrix units.</summary>
    Matrix,

    /// <summary>Fused multiply-adds outside the matrix units.</summary>
    Arithmetic,

    /// <summary>Launch overhead.</summary>
    Launch,
}
