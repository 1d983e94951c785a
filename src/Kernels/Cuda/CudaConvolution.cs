using CsUnet.Cuda;
using CsUnet.Kernels.Cpu;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// The launches of kernels/conv2d.cu: implicit matrix products of 64 x 64 tiles by blocks of 128 threads, float32 throughout.
/// </summary>
internal static class CudaConvolution
{
    private const int Tile = 64, Threads = 128, SliceDepth = 16;

    /// <summary>output = input convolved with weight, plus bias unless that is null.</summary>
    public static void Forward(ConvolutionShape shape, Tensor input, Tensor weight, Tensor? bias, Tensor output)
    {
        CudaLaunch launch = Launch(shape, "forward", input);
        launch.Add(input, weight);
        launch.Add(bias);
        launch.Add((Tensor?)null);
        launch.Add(output);
        AddSizes(ref launch, shape);
        launch.Add(false);
        launch.Run(new dim3(Tiles(shape.OutputPixels), Tiles(shape.GroupFilters), shape.Groups), new dim3(Threads));
    }

    /// <summary>dInput = [dInput +] gradient of the input: per residue of its position modulo the stride, no product is with a zero.</summary>
    public static void BackwardInput(ConvolutionShape shape, Tensor dOutput, Tensor weight, Tensor dInput, bool accumulate)
    {
        CudaLaunch launch = Launch(shape, "backward_input", dOutput);
        launch.Add(dOutput, weight, dInput);
        AddSizes(ref launch, shape);
        launch.Add(accumulate);
        int pixels = shape.Batch * Divide(shape.Height, shape.Stride) * Divide(shape.Width, shape.Stride);
        launch.Run(new dim3(Tiles(pixels), Tiles(shape.GroupChannels), shape.Groups * shape.Stride * shape.Stride), new dim3(Threads));
    }

    /// <summary>dWeight = [dWeight +] gradient of the weight: partial products over shares of the pixels, added in order.</summary>
    public static void BackwardWeight(ConvolutionShape shape, Tensor dOutput, Tensor input, Tensor dWeight, bool accumulate)
    {
        int columns = Tiles(shape.KernelHeight * shape.KernelWidth * shape.GroupChannels), rows = Tiles(shape.GroupFilters);
        int multiprocessors = CudaDevice.Get(input.Device).Properties.MultiProcessorCount;
        int wanted = Math.Max(1, 4 * multiprocessors / (columns * rows * shape.Groups));
        int splitPixels = Divide(Divide(shape.OutputPixels, wanted), SliceDepth) * SliceDepth, splits = Divide(shape.OutputPixels, splitPixels);
        Tensor partials = Tensor.Empty([splits, (int)dWeight.Count], DType.Float32, input.Device);
        CudaLaunch launch = Launch(shape, "backward_weight", dOutput);
        launch.Add(dOutput, input, partials);
        AddSizes(ref launch, shape);
        launch.Add(splitPixels);
        launch.Run(new dim3(columns, rows, shape.Groups * splits), new dim3(Threads));
        var total = new CudaLaunch(dOutput, "conv2d", "conv2d_backward_weight_total");
        total.Add(partials, dWeight);
        total.Add(dWeight.Count);
        total.Add(splits);
        total.Add(accumulate);
        total.Run(new dim3((int)Math.Clamp((dWeight.Count + 511) / 512, 1, 16L * multiprocessors)), new dim3(Threads));
    }

    /// <summary>The kernels without "any" load four channels at once.</summary>
    private static CudaLaunch Launch(ConvolutionShape shape, string pass, Tensor like) => new(
        like, "conv2d", shape.GroupChannels % 4 == 0 && shape.GroupFilters % 4 == 0 ? $"conv2d_{pass}" : $"conv2d_{pass}_any");

    private static void AddSizes(ref CudaLaunch launch, ConvolutionShape shape) => launch.Add(
        shape.Batch, shape.Height, shape.Width, shape.Channels, shape.Filters, shape.KernelHeight, shape.KernelWidth, shape.Stride, shape.Padding,
        shape.Groups, shape.OutputHeight, shape.OutputWidth);

    private static int Tiles(int size) => Divide(size, Tile);

    private static int Divide(int a, int b) => (a + b - 1) / b;
}
