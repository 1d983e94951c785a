namespace CsUnet.Lab;

/// <summary>What limits a kernel.</summary>
public enum Bound
{
    /// <summary>Bytes that cross the memory bus.</summary>
    Memory,

    /// <summary>Sectors and shared-memory wavefronts that pass the load-store units.</summary>
    LoadStore,

    /// <summary>The matrix units.</summary>
    Matrix,

    /// <summary>Fused multiply-adds outside the matrix units.</summary>
    Arithmetic,

    /// <summary>The time that starting a kernel takes.</summary>
    Launch,
}
