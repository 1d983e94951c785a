namespace CsUnet.Data;

/// <summary>
/// The samples of an annotation file as stored: not rescaled, because classes are matched by exact equality.
/// </summary>
/// <param name="Samples">(H, W, Channels), row-major.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">1 (values) or 3 (colours).</param>
/// <param name="Bits">8 or 16 per sample; in 16-bit files colours range to 65535.</param>
public sealed record MaskImage(ushort[] Samples, int Height, int Width, int Channels, int Bits);
