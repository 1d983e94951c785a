namespace CsUnet.Data;

/// <summary>
/// The samples of an annotation file as stored: not rescaled, because classes are matched by exact equality.
/// </summary>
/// <param name="Samples">(H, W, Channels), row-major.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">1 (values) or 3 (colours).</param>
/// <param name="Bits">Per sample: 1 to 16; in 16-bit files colours range to 65535. 32 for labels of wider types, which have no range.
/// </param>
public sealed record MaskImage(ushort[] Samples, int Height, int Width, int Channels, int Bits)
{
    /// <summary>What a user should know about how the file was read; a sentence each, without the file's name.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}
