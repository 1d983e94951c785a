using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;
using static CsUnet.Kernels.Ceiling;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// The launches of kernels/conv2d.cu and, for shapes and precisions that the matrix units support, kernels/conv2d_tensor_core.cu: implicit
/// matrix products in tiles of 64 or 128 by 64, by blocks of 128 threads. Pixels whose size is not a multiple of 16 bytes are packed first
/// (<see cref="CudaFewChannels"/>). Pointwise convolutions with few filters have kernels of their own (<see cref="CudaFewFilters"/>).
/// </summary>
internal static class CudaConvolution
{
    private const int Tile = 64, LargeTile = 128, Threads = 128, SliceDepth = 32;

    // How often kernels may recompute dz instead of loading it. Each time they read z in addition to dOutput, from the L2 cache. Storing dz
    // once costs a pass over three tensors in memory. Recomputing pays for 1x1 convolutions with few channels, not for 3x3.
    private const int MostReadsOnTheWay = 8;

    private const string ByShape = "by_shape", SmallTiles = "small_tiles", LargeTiles = "large_tiles", Any = "any";

    private static readonly LaunchParameter s_splits = new("splits_per_multiprocessor", [2, 4, 8], Usual: 4);

    /// <summary>
    /// The variants of a convolution. Their launch parameter is the number of blocks per multiprocessor that share the pixels of a weight
    /// gradient.
    /// </summary>
    public static IReadOnlyList<KernelVariant> Variants { get; } =
    [
        new(ByShape, "large tiles where there are enough of them; few filters, at most four, without tiles", s_splits),
        new(SmallTiles, "tiles of 64 pixels by 64 filters", s_splits),
        new(LargeTiles, "tiles of 128 pixels by 64 filters on the matrix units", s_splits),
        new(Any, "one channel per load, without the matrix units; any number of channels, unpacked", s_splits),
    ];

    /// <summary>Whether <see cref="CudaFewFilters"/> computes the convolution.</summary>
    public static bool HasFewFilters(OperatorCall call, ConvolutionShape shape, Tensor input) =>
        call.Choice?.Variant is null or ByShape && CudaFewFilters.Takes(shape, input);

    /// <summary>
    /// The packed convolution that replaces this one in the forward pass and in the gradient of the weight; null if none does.
    /// </summary>
    /// <param name="call">The call, which may choose a variant.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="input">The input, or another tensor of its type.</param>
    /// <param name="norm">As in the forward pass. An input that is normalised as it is loaded is not packed.</param>
    public static CudaFewChannels? Packed(OperatorCall call, ConvolutionShape shape, Tensor input, Tensor? norm) =>
        norm is null && call.Choice?.Variant != Any ? CudaFewChannels.Of(shape, input) : null;

    /// <summary>output = input convolved with weight, plus bias and residual unless they are null, then ReLU if asked for.</summary>
    /// <param name="call">The call, which gives precision and choice of tiles.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="input">The convolved tensor, or with <paramref name="norm"/> the tensor before normalisation.</param>
    /// <param name="norm">Scale and shift (2, C) of a batch norm with ReLU that the kernel applies as it loads the input; null for
    /// none.</param>
    /// <param name="weight">The weight, with the type of the input.</param>
    /// <param name="bias">The bias, float32, or null.</param>
    /// <param name="residual">A tensor like the output, or null.</param>
    /// <param name="output">Receives the result.</param>
    /// <param name="relu">Whether to apply the ReLU.</param>
    public static void Forward(
        OperatorCall call, ConvolutionShape shape, Tensor input, Tensor? norm, Tensor weight, Tensor? bias, Tensor? residual, Tensor output,
        bool relu = false) =>
        Forward(call, shape, input, norm, weight, bias, residual, output, relu, null, ForwardTile(call, shape, input));

    /// <summary>Computes the plain convolution, and the statistics of its output per channel and tile.</summary>
    public static TileStatistics ForwardWithStatistics(
        OperatorCall call, ConvolutionShape shape, Tensor input, Tensor? norm, Tensor weight, Tensor output)
    {
        int tile = ForwardTile(call, shape, input);
        Tensor statistics = Tensor.Empty([Divide(shape.OutputPixels, tile), 3, shape.Filters], DType.Float32, input.Device);
        Forward(call, shape, input, norm, weight, null, null, output, relu: false, statistics, tile);
        return new TileStatistics(statistics, tile);
    }

    private static void Forward(
        OperatorCall call, ConvolutionShape shape, Tensor input, Tensor? norm, Tensor weight, Tensor? bias, Tensor? residual, Tensor output,
        bool relu, Tensor? statistics, int tile)
    {
        CudaLaunch launch = Launch(call, shape, "forward", (norm is null ? "" : "_normalised") + Large(tile), input);
        launch.Add(input);
        launch.Add(norm);
        launch.Add(weight);
        launch.Add(bias);
        launch.Add(residual);
        launch.Add(output);
        launch.Add(statistics);
        AddSizes(ref launch, shape);
        launch.Add(relu);
        launch.Run(new dim3(Divide(shape.OutputPixels, tile), Divide(shape.GroupFilters, Tile), shape.Groups), new dim3(Threads));
    }

    /// <summary>
    /// Whether the needed gradients read dz so rarely that their kernels should compute it themselves (<see cref="GradientThroughNorm"/>).
    /// </summary>
    public static bool MakesGradientOnTheWay(ConvolutionShape shape, bool ofInput, bool ofWeight)
    {
        int taps = shape.KernelHeight * shape.KernelWidth;
        int reads = (ofInput ? taps * Divide(shape.GroupChannels, Tile) : 0) + (ofWeight ? Divide(taps * shape.GroupChannels, Tile) : 0);
        return reads <= MostReadsOnTheWay;
    }

    /// <summary>
    /// dInput = [dInput +] gradient of the input. Every residue of the position modulo the stride has a product of its own, so nothing is
    /// multiplied by zero.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="dOutput">The gradient of the output.</param>
    /// <param name="through">The operations between the convolution and dOutput, or null.</param>
    /// <param name="weight">The weight, with the type of dOutput; or float32, because packed convolutions save only that.</param>
    /// <param name="dInput">Receives the result.</param>
    /// <param name="accumulate">Whether to add to dInput.</param>
    public static void BackwardInput(
        OperatorCall call, ConvolutionShape shape, Tensor dOutput, GradientThroughNorm? through, Tensor weight, Tensor dInput,
        bool accumulate)
    {
        int pixels = shape.Batch * Divide(shape.Height, shape.Stride) * Divide(shape.Width, shape.Stride);
        int residues = shape.Groups * shape.Stride * shape.Stride;
        int tile = through is null ? TileOf(call, shape, dOutput, pixels, Divide(shape.GroupChannels, Tile) * residues) : Tile;
        CudaLaunch launch = Launch(call, shape, "backward_input", through is null ? Large(tile) : "_normalised", dOutput);
        launch.Add(dOutput);
        launch.Add(through?.Convolved);
        launch.Add(through?.Coefficients);
        launch.Add(Cast.Convert(weight, dOutput.DType), dInput);
        AddSizes(ref launch, shape);
        launch.Add(accumulate);
        launch.Run(new dim3(Divide(pixels, tile), Divide(shape.GroupChannels, Tile), residues), new dim3(Threads));
    }

    /// <summary>dWeight = [dWeight +] gradient of the weight: partial products over parts of the pixels, added in order.</summary>
    /// <param name="call">The call.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="dOutput">The gradient of the output.</param>
    /// <param name="through">The operations between the convolution and dOutput, or null.</param>
    /// <param name="input">The input as the forward pass read it, packed if that packed it.</param>
    /// <param name="norm">As in the forward pass.</param>
    /// <param name="dWeight">Receives the result.</param>
    /// <param name="accumulate">Whether to add to dWeight.</param>
    public static void BackwardWeight(
        OperatorCall call, ConvolutionShape shape, Tensor dOutput, GradientThroughNorm? through, Tensor input, Tensor? norm, Tensor dWeight,
        bool accumulate)
    {
        CudaFewChannels? packed = Packed(call, shape, input, norm);
        shape = packed?.Packed ?? shape;
        int columns = Divide(shape.FilterSize, Tile), rows = Divide(shape.GroupFilters, Tile);
        int multiprocessors = input.CudaDevice.Properties.MultiProcessorCount;
        int wanted = Math.Max(1, call.Parameter(s_splits) * multiprocessors / (columns * rows * shape.Groups));
        int splitPixels = Divide(Divide(shape.OutputPixels, wanted), SliceDepth) * SliceDepth,
            splits = Divide(shape.OutputPixels, splitPixels);
        Tensor partials = Tensor.Empty([splits, shape.Filters * shape.FilterSize], DType.Float32, input.Device);
        using var temporary = new Temporary(partials);
        string variant = (through is null, norm is null) switch
        {
            (true, true) => "",
            (false, true) => "_normalised",
            (true, false) => "_normalised_input",
            (false, false) => "_normalised_both",
        };
        CudaLaunch launch = Launch(call, shape, "backward_weight", variant, dOutput);
        launch.Add(dOutput);
        launch.Add(through?.Convolved);
        launch.Add(through?.Coefficients);
        launch.Add(input);
        launch.Add(norm);
        launch.Add(partials);
        AddSizes(ref launch, shape);
        launch.Add(splitPixels);
        launch.Run(new dim3(columns, rows, shape.Groups * splits), new dim3(Threads));
        if (packed is not null)
        {
            packed.Value.Total(partials, dWeight, accumulate);
            return;
        }
        var total = new CudaLaunch(dWeight, "conv2d", "conv2d_backward_weight_total", typed: false);
        total.Add(partials, dWeight);
        total.Add(dWeight.Count);
        total.Add(splits);
        total.Add(accumulate);
        total.Run(new dim3((int)Math.Clamp((dWeight.Count + 511) / 512, 1, 16L * multiprocessors)), new dim3(Threads));
    }

    /// <summary>
    /// Tensors whose groups are multiples of 16 bytes go to the matrix units if the precision has them; otherwise their channels are loaded
    /// in fours. Kernels of "any" take all other tensors. The kernels without matrix units have one name for all variants: they look at the
    /// arguments.
    /// </summary>
    private static CudaLaunch Launch(OperatorCall call, ConvolutionShape shape, string pass, string variant, Tensor like)
    {
        if (OnMatrixUnits(call, shape, like))
            return CudaLaunch.OnMatrices(call, like, "conv2d_tensor_core", $"conv2d_{pass}{variant}");
        return new CudaLaunch(like, "conv2d", like.DType == DType.Float32 && GroupsAre(shape, 4) && call.Choice?.Variant != Any
            ? $"conv2d_{pass}" : $"conv2d_{pass}_any");
    }

    private static bool OnMatrixUnits(OperatorCall call, ConvolutionShape shape, Tensor like) =>
        call.Choice?.Variant != Any && GroupsAre(shape, 16 / like.DType.Size()) && CudaLaunch.MatrixType(call, like, "conv2d") != "float32";

    private static bool GroupsAre(ConvolutionShape shape, int multiple) =>
        shape.GroupChannels % multiple == 0 && shape.GroupFilters % multiple == 0;

    private static int ForwardTile(OperatorCall call, ConvolutionShape shape, Tensor input) =>
        TileOf(call, shape, input, shape.OutputPixels, Divide(shape.GroupFilters, Tile) * shape.Groups);

    /// <summary>Pixels per tile: 128 on the matrix units if the tiles suffice for two blocks per multiprocessor, else 64.</summary>
    private static int TileOf(OperatorCall call, ConvolutionShape shape, Tensor like, int pixels, int others)
    {
        string? variant = call.Choice?.Variant;
        if (!OnMatrixUnits(call, shape, like))
            return variant == LargeTiles
                ? throw new VariantNotTakenException("convolution", LargeTiles,
                    "tf32 or bf16 tensors whose groups of channels are whole 16-byte pieces")
                : Tile;
        bool large = variant switch
        {
            LargeTiles => true,
            SmallTiles => false,
            _ => (long)Divide(pixels, LargeTile) * others >= 2L * like.CudaDevice.Properties.MultiProcessorCount,
        };
        return large ? LargeTile : Tile;
    }

    private static string Large(int tile) => tile == LargeTile ? "_large" : "";

    private static void AddSizes(ref CudaLaunch launch, ConvolutionShape shape) => launch.Add(
        shape.Batch, shape.Height, shape.Width, shape.Channels, shape.Filters, shape.KernelHeight, shape.KernelWidth, shape.Stride,
        shape.Padding, shape.Groups, shape.OutputHeight, shape.OutputWidth);
}
