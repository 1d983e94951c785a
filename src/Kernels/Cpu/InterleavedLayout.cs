namespace CsUnet.Kernels.Cpu;

/// <summary>panel[k][row].</summary>
internal readonly struct InterleavedLayout : IPanelLayout
{
    /// <inheritdoc />
    public static bool Interleaved => true;
}
