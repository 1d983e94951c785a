using CsUnet.Cuda.BasicTypes;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// How kernels that sum over the rows of (rows, channels) share them out (column_sum.cu, batch_norm.cu): a block owns 32 channels of some
/// rows and writes a partial sum; the partial sums are added in the order of the blocks.
/// </summary>
internal readonly struct ColumnBlocks
{
    private const int BlockChannels = 32, LeastRows = 256, ApplyRows = 128;

    /// <summary>Shares (rows, channels) out over about four blocks per multiprocessor, of 256 rows at least.</summary>
    public ColumnBlocks(Tensor matrix)
    {
        (Rows, Channels) = (matrix.Shape.Rows, matrix.Shape.Last);
        int columns = Ceiling.Divide(Channels, BlockChannels), multiprocessors = matrix.CudaDevice.Properties.MultiProcessorCount;
        int wanted = Math.Clamp(4 * multiprocessors / columns, 1, Math.Max(1, Ceiling.Divide(Rows, LeastRows)));
        BlockRows = Math.Max(1, Ceiling.Divide(Rows, wanted));
        Count = Math.Max(1, Ceiling.Divide(Rows, BlockRows));
        SumGrid = new dim3(columns, Count);
        TotalGrid = new dim3(columns);
        ApplyGrid = new dim3(columns, Math.Clamp(Ceiling.Divide(Rows, ApplyRows), 1, CudaLaunch.MostBlocksDown));
    }

    /// <summary>Threads of every block.</summary>
    public static dim3 Block => new(CudaLaunch.Threads);

    /// <summary>Rows of the matrix.</summary>
    public int Rows { get; }

    /// <summary>Its channels.</summary>
    public int Channels { get; }

    /// <summary>Rows of a block.</summary>
    public int BlockRows { get; }

    /// <summary>Blocks, and with them partial sums, per channel.</summary>
    public int Count { get; }

    /// <summary>Grid of the kernels that write partial sums.</summary>
    public dim3 SumGrid { get; }

    /// <summary>Grid of the kernels that add the partial sums.</summary>
    public dim3 TotalGrid { get; }

    /// <summary>Grid of the kernels that pass over the matrix once more.</summary>
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
        total.Run(new dim3(Ceiling.Divide(channels, BlockChannels)), Block);
    }
}
