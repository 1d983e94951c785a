namespace CsUnet.Models.Encoders;

/// <summary>A feature map of an <see cref="Encoder"/>: (B, H / stride, W / stride, channels) for images (B, H, W, 3).</summary>
/// <param name="Stride">Image pixels per pixel of the map, along each side.</param>
/// <param name="Channels">Channels of the map.</param>
public sealed record Feature(int Stride, int Channels);
