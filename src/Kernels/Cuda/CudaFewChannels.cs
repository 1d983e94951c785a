using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;
using static CsUnet.Kernels.Ceiling;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// The launches of kernels/conv2d_few_channels.cu. A convolution whose pixels are not a multiple of 16 bytes is computed as one whose
/// pixels are: <paramref name="Block"/> by <paramref name="Block"/> neighbouring pixels become the channels of one pixel, padded with
/// zeros.
/// </summary>
/// <param name="Original">The sizes of the requested convolution.</param>
/// <param name="Packed">The sizes of the convolution that computes the same output from packed input and weight.</param>
/// <param name="Block">R: 1, or the stride.</param>
internal readonly record struct CudaFewChannels(ConvolutionShape Original, ConvolutionShape Packed, int Block)
{
    private const int Tile = 4096, TotalThreads = 128;

    /// <summary>
    /// The packed convolution with the shortest sums; null if this one's pixels already are multiples of 16 bytes, or its filters are not.
    /// </summary>
    public static CudaFewChannels? Of(ConvolutionShape shape, Tensor input)
    {
        int piece = 16 / input.DType.Size();
        if (shape.Groups != 1 || shape.Channels % piece == 0 || shape.Filters % piece != 0)
            return null;
        CudaFewChannels? best = null;
        foreach (int block in new[] { 1, shape.Stride })
        {
            int height = Divide(shape.KernelHeight, block), width = Divide(shape.KernelWidth, block), stride = shape.Stride / block;
            var packed = new ConvolutionShape(
                shape.Batch, (shape.OutputHeight - 1) * stride + height, (shape.OutputWidth - 1) * stride + width,
                Divide(block * block * shape.Channels, piece) * piece, shape.Filters, height, width, stride);
            if (packed.Channels <= Tile && (best is null || packed.FilterSize < best.Value.Packed.FilterSize))
                best = new CudaFewChannels(shape, packed, block);
        }
        return best;
    }

    /// <summary>The packed input, of the input's type.</summary>
    public Tensor PackInput(Tensor input) => Pack(
        input, input.DType, (Original.Height, Original.Width), Original.Padding,
        [Packed.Batch, Packed.Height, Packed.Width, Packed.Channels]);

    /// <summary>The packed weight, in the type of the activations.</summary>
    public Tensor PackWeight(Tensor weight, DType type) => Pack(
        weight, type, (Original.KernelHeight, Original.KernelWidth), padding: 0,
        [Packed.Filters, Packed.KernelHeight, Packed.KernelWidth, Packed.Channels]);

    private Tensor Pack(Tensor source, DType type, (int Height, int Width) size, int padding, Shape shape)
    {
        Tensor packed = Tensor.Empty(shape, type, source.Device);
        int columns = Math.Min(shape[2], Tile / shape[3]);
        const string kernel = "conv2d_few_channels_pack";
        CudaLaunch launch = source.DType == type
            ? new CudaLaunch(source, "conv2d_few_channels", kernel)
            : new CudaLaunch(source, "conv2d_few_channels", $"{kernel}_float32_to_bf16", typed: false);
        launch.Add(source, packed);
        launch.Add(shape[0], size.Height, size.Width, Original.Channels, Block, padding, shape[1], shape[2], shape[3], columns);
        launch.Run(new dim3(checked(shape[0] * shape[1] * Divide(shape[2], columns))), new dim3(CudaLaunch.Threads));
        return packed;
    }

    /// <summary>dWeight = [dWeight +] the sum of partial gradients (splits, elements) of the packed weight.</summary>
    public void Total(Tensor partials, Tensor dWeight, bool accumulate)
    {
        int multiprocessors = dWeight.CudaDevice.Properties.MultiProcessorCount;
        var launch = new CudaLaunch(dWeight, "conv2d_few_channels", "conv2d_few_channels_total", typed: false);
        launch.Add(partials, dWeight);
        launch.Add(
            Original.Filters, Original.KernelHeight, Original.KernelWidth, Original.Channels, Block, Packed.KernelHeight,
            Packed.KernelWidth, Packed.Channels, partials.Shape[0]);
        launch.Add(accumulate);
        launch.Run(new dim3(Math.Clamp(Divide(Packed.Filters * Packed.FilterSize, 4 * TotalThreads), 1, 16 * multiprocessors)),
            new dim3(TotalThreads));
    }
}
