using CsUnet.Cuda.BasicTypes;
using CsUnet.Tensors;
using static CsUnet.Kernels.Ceiling;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// Splits (rows, channels) among the blocks of kernels that sum over rows (column_sum.cu, batch_norm.cu). A block owns 32 channels of some
/// rows and writes a partial sum. The partial sums are added in the order of the blocks.
/// </summary>
internal readonly struct ColumnBlocks
{
    private const int BlockChannels = 32, LeastRows = 256, ApplyRows = 128;

    /// <summary>Splits (rows, channels) into about four blocks per multiprocessor, of at least 256 rows each.</summary>
    public ColumnBlocks(Tensor matrix)
    {
        (Rows, Channels) = (matrix.Shape.Rows, matrix.Shape.Last);
        int columns = Divide(Channels, BlockChannels), multiprocessors = matrix.CudaDevice.Properties.MultiProcessorCount;
        int wanted = Math.Clamp(4 * multiprocessors / columns, 1, Math.Max(1, Divide(Rows, LeastRows)));
        BlockRows = Math.Max(1, Divide(Rows, wanted));
        Count = Math.Max(1, Divide(Rows, BlockRows));
        SumGrid = new dim3(columns, Count);
        TotalGrid = new dim3(columns);
        ApplyGrid = new dim3(columns, Math.Clamp(Divide(Rows, ApplyRows), 1, CudaLaunch.MostBlocksDown));
    }

    /// <summary>Threads of every block.</summary>
    public static dim3 Block => new(CudaLaunch.Threads);

    /// <summary>Rows of the matrix.</summary>
    public int Rows { get; }

    /// <summary>Its channels.</summary>
    public int Channels { get; }

    /// <summary>Rows of a block.</summary>
    public int BlockRows { get; }

    /// <summary>The number of blocks per channel, and so of partial sums.</summary>
    public int Count { get; }

    /// <summary>Grid of the kernels that write partial sums.</summary>
    public dim3 SumGrid { get; }

    /// <summary>Grid of the kernels that add the partial sums.</summary>
    public dim3 TotalGrid { get; }

    /// <summary>Grid of the kernels that make another pass over the matrix.</summary>
    public dim3 ApplyGrid { get; }

    /// <summary>sums (channels) = [sums +] sum over the rows of a matrix: the gradient of a bias. kernels/column_sum.cu</summary>
    public static void Sum(Tensor matrix, Tensor sums, bool accumulate)
    {
        var blocks = new ColumnBlocks(matrix);
        Tensor partials = Tensor.Empty([blocks.Count, blocks.Channels, 2], DType.Float32, matrix.Device);
        var partial = new CudaLaunch(matrix, "column_sum", "column_sum_partial");
        partial.Add(matrix, partials);
        partial.Add(blocks.Rows, blocks.Channels, blocks.BlockRows);
        partial.Run(blocks.SumGrid, Block);
        Total(partials, sums, accumulate);
    }

    /// <summary>sums (channels) = [sums +] sum over the blocks of partials (blocks, channels, 2), in order. kernels/column_sum.cu</summary>
    public static void Total(Tensor partials, Tensor sums, bool accumulate)
    {
        (int blocks, int channels) = (partials.Shape[0], partials.Shape[1]);
        var total = new CudaLaunch(partials, "column_sum", "column_sum_total", typed: false);
        total.Add(partials, sums);
        total.Add(blocks, channels);
        total.Add(accumulate);
        total.Run(new dim3(Divide(channels, BlockChannels)), Block);
    }
}
