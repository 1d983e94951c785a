namespace CsUnet.Data;

/// <summary>
/// The samples of an annotation file as they are stored: not rescaled, since classes are told apart by exact equality.
/// </summary>
/// <param name="Samples">(H, W, Channels), row-major.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">1 (values) or 3 (colours).</param>
/// <param name="Bits">8 or 16: in 16-bit files colours run to 65535.</param>
public sealed record MaskImage(ushort[] Samples, int Height, int Width, int Channels, int Bits);
