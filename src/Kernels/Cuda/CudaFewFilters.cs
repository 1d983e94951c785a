using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;
using static CsUnet.Kernels.Ceiling;

namespace CsUnet.Kernels.Cuda;

/// <summary>The launches of kernels/conv2d_few_filters.cu: pointwise convolutions with at most four filters. Memory-bound.</summary>
internal static class CudaFewFilters
{
    private const string File = "conv2d_few_filters";
    private const int MostFilters = 4, BlockPixels = 512, LeastPixels = 256, BlocksPerMultiprocessor = 4;

    /// <summary>Whether the kernels support a convolution of this input.</summary>
    public static bool Takes(ConvolutionShape shape, Tensor input) => shape.IsPointwise && shape.Groups == 1 && shape.Filters <= MostFilters
        && shape.Channels % Piece(input) == 0;

    /// <summary>output = input convolved with weight, plus bias unless that is null; weight and bias are float32.</summary>
    public static void Forward(ConvolutionShape shape, Tensor input, Tensor weight, Tensor? bias, Tensor output)
    {
        var launch = new CudaLaunch(input, File, "conv2d_few_filters_forward");
        launch.Add(input, weight);
        launch.Add(bias);
        launch.Add(output);
        launch.Add(shape.OutputPixels, shape.Channels, shape.Filters);
        launch.Run(new dim3(Divide(shape.OutputPixels, BlockPixels)), new dim3(CudaLaunch.Threads));
    }

    /// <summary>dInput = [dInput +] gradient of the input; weight is float32.</summary>
    public static void BackwardInput(ConvolutionShape shape, Tensor dOutput, Tensor weight, Tensor dInput, bool accumulate)
    {
        var launch = new CudaLaunch(dOutput, File, "conv2d_few_filters_backward_input");
        launch.Add(dOutput, weight, dInput);
        launch.Add(shape.OutputPixels, shape.Channels, shape.Filters);
        launch.Add(accumulate);
        int rows = CudaLaunch.Threads / Math.Min(CudaLaunch.Threads, shape.Channels / Piece(dOutput));
        launch.Run(new dim3(Math.Clamp(Divide(shape.OutputPixels, rows), 1, 2 * BlocksPerMultiprocessor * Multiprocessors(dOutput))),
            new dim3(CudaLaunch.Threads));
    }

    /// <summary>dWeight = [dWeight +] gradient of the weight: partial sums over parts of the pixels, added in order.</summary>
    public static void BackwardWeight(ConvolutionShape shape, Tensor dOutput, Tensor input, Tensor dWeight, bool accumulate)
    {
        int pixels = shape.OutputPixels;
        int blockPixels = Math.Max(LeastPixels, Divide(pixels, BlocksPerMultiprocessor * Multiprocessors(input))),
            blocks = Divide(pixels, blockPixels);
        Tensor partials = Tensor.Empty([blocks, (int)dWeight.Count, 2], DType.Float32, input.Device);
        using var temporary = new Temporary(partials);
        var launch = new CudaLaunch(input, File, "conv2d_few_filters_backward_weight");
        launch.Add(dOutput, input, partials);
        launch.Add(pixels, shape.Channels, shape.Filters, blockPixels);
        launch.Run(new dim3(blocks), new dim3(CudaLaunch.Threads));
        ColumnBlocks.Total(partials, dWeight, accumulate);
    }

    private static int Piece(Tensor tensor) => 16 / tensor.DType.Size();

    private static int Multiprocessors(Tensor tensor) => tensor.CudaDevice.Properties.MultiProcessorCount;
}
