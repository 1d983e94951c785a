namespace CsUnet.Kernels.Cpu;

/// <summary>panel[k / 16][row][k % 16].</summary>
internal readonly struct BlockedLayout : IPanelLayout
{
    /// <inheritdoc />
    public static bool Interleaved => false;
}
