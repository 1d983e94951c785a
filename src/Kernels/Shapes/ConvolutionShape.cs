namespace CsUnet.Kernels.Shapes;

/// <summary>The sizes of a two-dimensional convolution over channels-last tensors.</summary>
/// <param name="Batch">Images.</param>
/// <param name="Height">Rows of the input.</param>
/// <param name="Width">Columns of the input.</param>
/// <param name="Channels">Channels of the input.</param>
/// <param name="Filters">Channels of the output.</param>
/// <param name="KernelHeight">Rows of a filter.</param>
/// <param name="KernelWidth">Columns of a filter.</param>
/// <param name="Stride">Input pixels from one output pixel to the next, in both directions.</param>
/// <param name="Padding">Zero pixels around the input, on all four sides.</param>
/// <param name="Groups">Groups of channels that are convolved separately; divides both numbers of channels.</param>
public readonly record struct ConvolutionShape(
    int Batch, int Height, int Width, int Channels, int Filters, int KernelHeight, int KernelWidth,
    int Stride = 1, int Padding = 0, int Groups = 1)
{
    /// <summary>Rows of the output.</summary>
    public int OutputHeight => (Height + 2 * Padding - KernelHeight) / Stride + 1;

    /// <summary>Columns of the output.</summary>
    public int OutputWidth => (Width + 2 * Padding - KernelWidth) / Stride + 1;

    /// <summary>Pixels of the output, over all images.</summary>
    public int OutputPixels => checked(Batch * OutputHeight * OutputWidth);

    /// <summary>Input channels of one group.</summary>
    public int GroupChannels => Channels / Groups;

    /// <summary>Output channels of one group.</summary>
    public int GroupFilters => Filters / Groups;

    /// <summary>Elements of one filter.</summary>
    public int FilterSize => KernelHeight * KernelWidth * GroupChannels;

    /// <summary>Multiply-adds of a forward pass.</summary>
    public long MultiplyAdds => (long)OutputPixels * Filters * FilterSize;

    /// <summary>Whether the convolution is a matrix product of pixels and filters.</summary>
    internal bool IsPointwise => KernelHeight == 1 && KernelWidth == 1 && Stride == 1 && Padding == 0;
}
