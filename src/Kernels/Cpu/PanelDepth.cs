namespace CsUnet.Kernels.Cpu;

/// <summary>Constants of the panels.</summary>
internal static class PanelDepth
{
    /// <summary>Depth of one block of <see cref="BlockedLayout"/>: a cache line of floats.</summary>
    public const int Block = 16;

    /// <summary><paramref name="depth"/> rounded up to whole blocks.</summary>
    public static int RoundUp(int depth) => (depth + Block - 1) & -Block;
}
