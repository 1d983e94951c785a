using CsUnet.Cuda.BasicTypes;
using CsUnet.Tensors;
using static CsUnet.Kernels.Ceiling;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// The launches of kernels/gemm.cu: the products of an affine map output = input · weightᵀ + bias and of its gradients, with the operations
/// before and after them fused in. Tensors are (..., channels); the element type of the activations selects the kernels.
/// </summary>
internal static class CudaGemm
{
    private const int Threads = 128, SliceBytes = 64, Stages = 4, LeastSlices = 8;
    private const string SmallVariant = "small_tiles", LargeVariant = "large_tiles", AnyVariant = "any";

    private static readonly LaunchParameter s_blocks = new("blocks_per_multiprocessor", [1, 2, 4], Usual: 2);

    /// <summary>
    /// The variants of a product. Their launch parameter is the number of blocks per multiprocessor that share K if tiles are few.
    /// </summary>
    public static IReadOnlyList<KernelVariant> Variants { get; } =
    [
        new("by_shape", "the tile that takes the shape the least time, as counted", s_blocks),
        new(SmallVariant, "tiles of 64 x 64", s_blocks),
        new(LargeVariant, "tiles of 128 x 128", s_blocks),
        new(AnyVariant, "one element per load; any shape"),
    ];

    /// <summary>The part of the result that a block owns; it is part of the kernel's name.</summary>
    private readonly record struct Tile(string Name, int Rows, int Columns)
    {
        public int Count(int rows, int columns) => Divide(rows, Rows) * Divide(columns, Columns);
    }

    private static readonly Tile s_small = new("64x64", 64, 64), s_any = new("any", 64, 64);
    private static readonly Tile[] s_float32 = [new("128x128", 128, 128), new("128x64", 128, 64)],
        s_matrixUnits = [new("128x128", 128, 128), new("128x96", 128, 96)];

    /// <summary>
    /// output = z or GELU(z), z = residual + DropPath(input · weightᵀ + bias); z is written to <paramref name="preActivation"/>.
    /// </summary>
    /// <param name="call">The call, which gives precision and choice of tiles.</param>
    /// <param name="input">Tokens (..., K).</param>
    /// <param name="weight">The weight (N, K), with the type of the input.</param>
    /// <param name="bias">The bias (N), or null.</param>
    /// <param name="output">(..., N).</param>
    /// <param name="residual">A tensor like the output, or null.</param>
    /// <param name="dropPath">Stochastic depth, or null.</param>
    /// <param name="gelu">Whether to apply GELU.</param>
    /// <param name="preActivation">Receives z for the backward pass of GELU, like the output; null if not needed.</param>
    public static void Forward(
        OperatorCall call, Tensor input, Tensor weight, Tensor? bias, Tensor output, Tensor? residual = null, DropPath? dropPath = null,
        bool gelu = false, Tensor? preActivation = null) => Run(new Product(call, "nt", input, weight, output)
        {
            M = output.Shape.Rows, N = weight.Shape[0], K = weight.Shape[1], Bias = bias, Residual = residual,
                PreActivation = preActivation,
            DropPath = dropPath, RowsPerSample = RowsPerSample(output), Gelu = gelu,
        });

    /// <summary>
    /// dInput = [dInput +] residual + DropPath(dOutput) · weight. If the map's input is GELU(preActivation), the product is multiplied by
    /// GELU'(preActivation).
    /// </summary>
    public static void BackwardInput(
        OperatorCall call, Tensor dOutput, Tensor weight, Tensor dInput, bool accumulate, DropPath? dropPath = null,
        Tensor? preActivation = null, Tensor? residual = null) => Run(new Product(call, "nn", dOutput, weight, dInput)
        {
            M = dOutput.Shape.Rows, N = weight.Shape[1], K = weight.Shape[0], Residual = residual, PreActivation = preActivation,
            DropPath = dropPath, RowsPerSample = RowsPerSample(dOutput), Accumulate = accumulate,
        });

    /// <summary>
    /// The gradients of weight (N, K) and bias (N) that the call needs: dWeight = DropPath(dOutput)ᵀ · input, dBias = its column sums.
    /// </summary>
    public static void BackwardParameters(
        OperatorCall call, GradientSink gradients, int weight, int bias, Tensor dOutput, Tensor input, DropPath? dropPath = null)
    {
        if (!call.Needs(weight) && !call.Needs(bias))
            return;
        bool accumulate = false, accumulateBias = false;
        // The launch for the weight's gradient also computes the bias's.
        Tensor dWeight = call.Needs(weight) ? gradients.Target(weight, out accumulate) : Tensor.EmptyLike(call[weight]);
        Run(new Product(call, "tn", dOutput, input, dWeight)
        {
            M = dOutput.Shape.Last, N = input.Shape.Last, K = dOutput.Shape.Rows,
            Bias = call.Needs(bias) ? gradients.Target(bias, out accumulateBias) : null,
            DropPath = dropPath, RowsPerSample = RowsPerSample(dOutput), Accumulate = accumulate, AccumulateBias = accumulateBias,
        });
    }

    private static int RowsPerSample(Tensor tokens) => tokens.Shape.Rows / Math.Max(1, tokens.Shape.Rank > 1 ? tokens.Shape[0] : 1);

    /// <summary>A product in a layout of gemm.cu, C (M, N) from A and B with K terms per sum, and its epilogue.</summary>
    private sealed record Product(OperatorCall Call, string Layout, Tensor A, Tensor B, Tensor C)
    {
        public int M { get; init; }

        public int N { get; init; }

        public int K { get; init; }

        public Tensor? Bias { get; init; }

        public Tensor? Residual { get; init; }

        public Tensor? PreActivation { get; init; }

        public DropPath? DropPath { get; init; }

        public int RowsPerSample { get; init; }

        public bool Gelu { get; init; }

        public bool Accumulate { get; init; }

        public bool AccumulateBias { get; init; }

        public string? Variant => Call.Choice?.Variant;

        /// <summary>
        /// Whether the rows of all matrices are multiples of 16 bytes (of C: four elements), which the kernels load and store at once.
        /// </summary>
        public bool FitsVectors()
        {
            int piece = 16 / A.DType.Size(), innerA = Layout == "tn" ? M : K, innerB = Layout == "nt" ? K : N;
            return innerA % piece == 0 && innerB % piece == 0 && N % 4 == 0
                && new[] { A, B, C, Bias, Residual, PreActivation }.All(tensor => tensor is null || tensor.DevicePointer.Pointer % 16 == 0);
        }

        public void AddEpilogueTensors(ref CudaLaunch launch)
        {
            launch.Add(Bias);
            launch.Add(Residual);
            launch.Add(PreActivation);
            launch.Add(C);
        }

        public void AddEpilogue(ref CudaLaunch launch)
        {
            launch.Add(RowsPerSample);
            if (DropPath is { } dropPath)
            {
                CudaRandom.AddDraw(ref launch, dropPath.Key, dropPath.Probability);
            }
            else
            {
                launch.Add(0u);
                launch.Add(1f);
                launch.Add(0u);
                launch.Add(0ul);
            }
            launch.Add(Gelu);
            launch.Add(Accumulate);
            launch.Add(AccumulateBias);
        }
    }

    private static void Run(Product product)
    {
        (int m, int n, int k) = (product.M, product.N, product.K);
        if (m == 0 || n == 0)
            return;
        Device device = product.A.Device;
        int multiprocessors = product.A.CudaDevice.Properties.MultiProcessorCount;
        string type = CudaLaunch.MatrixType(product.Call, product.A, "gemm");
        Tile[] large = type == "float32" ? s_float32 : s_matrixUnits;
        bool fits = product.FitsVectors();
        if (!fits && product.Variant is SmallVariant or LargeVariant)
            throw new VariantNotTakenException(
                "matrix product", product.Variant, $"rows of whole 16-byte pieces, not {product.A} by {product.B}");
        int waves = product.Call.Parameter(s_blocks), slice = SliceBytes / product.A.DType.Size();
        ReadOnlySpan<Tile> tiles = !fits ? [s_any] : product.Variant switch
        {
            AnyVariant => [s_any],
            SmallVariant => [s_small],
            LargeVariant => large.AsSpan(0, 1),
            _ => [s_small, .. large],
        };
        (Tile tile, int depth) = Cheapest(tiles, m, n, k, slice, type, multiprocessors, waves);
        int splits = Math.Max(1, Divide(k, depth));
        bool split = splits > 1;
        Tensor? partials = split ? Tensor.Empty([splits, m, n], DType.Float32, device) : null;
        Tensor? partialBias = split && product.Layout == "tn" ? Tensor.Empty([splits, m, 2], DType.Float32, device) : null;
        Tensor? step = product.DropPath is { } dropPath ? CudaRandom.StepWord(dropPath.Key, device) : null;

        var launch = CudaLaunch.OnMatrices(product.Call, product.A, "gemm", $"gemm_{product.Layout}_{tile.Name}");
        launch.Add(product.A, product.B);
        product.AddEpilogueTensors(ref launch);
        launch.Add(partials);
        launch.Add(partialBias);
        launch.Add(step);
        launch.Add(m, n, k, depth);
        product.AddEpilogue(ref launch);
        // Without the matrix units, every row is padded by four bytes.
        int rowBytes = SliceBytes + (type == "float32" ? 4 : 0);
        launch.Run(new dim3(Divide(n, tile.Columns), Divide(m, tile.Rows), splits), new dim3(Threads),
            Stages * (tile.Rows + tile.Columns) * rowBytes);
        if (split)
        {
            var total = new CudaLaunch(product.C, "gemm", $"gemm_{product.Layout}_total");
            total.Add(partials);
            total.Add(partialBias);
            product.AddEpilogueTensors(ref total);
            total.Add(step);
            total.Add(m, n, splits);
            product.AddEpilogue(ref total);
            total.RunOverRows(m, n);
        }
    }

    /// <summary>
    /// The tile, and the share of K per block, that a device computes fastest, in estimated clocks of a multiprocessor. Its blocks run one
    /// after the other. Each takes as long as the load-store units or the arithmetic units need. If K is split, add the transfer of the
    /// partial results to memory and back, and a second launch.
    /// </summary>
    private static (Tile Tile, int Depth) Cheapest(ReadOnlySpan<Tile> candidates, int m, int n, int k, int slice, string type,
        int multiprocessors, int waves)
    {
        const double memoryBytes = 20, launch = 2500;
        // Multiply-adds per clock: of 128 threads, or what mma.sync reaches.
        double rate = type switch { "float32" => 128, "tf32" => 640, _ => 1280 };
        (Tile Tile, int Depth) best = (candidates[0], 0);
        double least = double.PositiveInfinity;
        foreach (Tile tile in candidates)
        {
            // A grid of small tiles does not hold this many rows. If a grid of large tiles does not either, the launch reports it.
            if (candidates.Length > 1 && tile == s_small && Divide(m, tile.Rows) > CudaLaunch.MostBlocksDown)
                continue;
            int tiles = tile.Count(m, n), most = Math.Max(1, k / (LeastSlices * slice));
            for (int wave = 0; wave <= waves; wave++)
            {
                int splits = wave == 0 ? 1 : Math.Clamp(wave * multiprocessors / tiles, 1, most),
                    depth = Math.Max(1, Divide(Divide(k, splits), slice)) * slice;
                splits = Math.Max(1, Divide(k, depth));
                // Slices arrive from memory at four sectors per clock and are written to shared memory at 128 bytes per clock. On the
                // matrix units, two warps read each slice again. Without them, a thread reads four numbers at a time, four clocks for each
                // warp. The sums also pass through shared memory.
                double bytes = (double)(tile.Rows + tile.Columns) * SliceBytes / slice;
                double loadStore = bytes / 64 + (type == "float32" ? 4 * (tile.Rows / 16 + tile.Columns / 8) : bytes / 64);
                double block = Math.Max(loadStore, tile.Rows * tile.Columns / rate) * depth + tile.Rows * tile.Columns * 5 / 64.0;
                double clocks = Divide(tiles * splits, multiprocessors) * block
                    + (splits == 1 ? 0 : launch + 2.0 * sizeof(float) * splits * m * n / (memoryBytes * multiprocessors));
                if (clocks < least)
                    (best, least) = ((tile, depth), clocks);
            }
        }
        return best;
    }
}
