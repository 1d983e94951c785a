namespace CsUnet.Models.Encoders;

/// <summary>One of the feature maps of an <see cref="Encoder"/>: (B, H / stride, W / stride, channels) of images (B, H, W, 3).</summary>
/// <param name="Stride">Pixels of the image per pixel of the map.</param>
/// <param name="Channels">Channels of the map.</param>
public sealed record Feature(int Stride, int Channels);
