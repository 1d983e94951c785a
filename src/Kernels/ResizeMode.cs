namespace CsUnet.Kernels;

/// <summary>Interpolation of <see cref="Resize"/>.</summary>
public enum ResizeMode
{
    /// <summary>Two taps per axis, linear.</summary>
    Bilinear,

    /// <summary>Four taps per axis, Keys' cubic convolution with a = -0.75, as in PyTorch.</summary>
    Bicubic,

    /// <summary>One tap per axis, the element at floor(y H / Height), as in PyTorch.</summary>
    Nearest,
}
