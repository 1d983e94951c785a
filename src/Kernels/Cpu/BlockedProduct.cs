using System.Numerics;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// C = A·B [+ C] [+ bias] for operands that pack themselves. The depth is cut into blocks, so that a panel of B stays in the L1 cache while
/// the rows of a chunk stream by from the L2 cache.
/// </summary>
/// <remarks>
/// The chunks depend on the shape alone, never on the number of threads, and each adds in a fixed order. So results are bitwise the same
/// with any number of threads. A product is split in one of three ways: over rows, with B packed once for all; over columns, with A packed
/// once for all; or over the depth, with partial sums added in order, for weight gradients with few rows and columns.
/// </remarks>
internal static unsafe class BlockedProduct
{
    // 256 floats of depth: a panel of B then takes 32 KiB with 512-bit vectors and 16 KiB with 256-bit vectors.
    private const int DepthBytes = 1024;

    // Below this many multiply-adds, waking threads costs more than it saves.
    private const long SmallWork = 1 << 17;

    // Enough for equal shares on any machine. A product has more chunks only if a chunk would not fit the cache.
    private const int MostChunks = 256;

    /// <summary>Computes the product on all threads, with 256-bit vectors if <paramref name="narrow"/>.</summary>
    public static void Run<T, TLayout, TA, TB, TC>(int m, int n, int k, TA a, TB b, TC c, bool accumulate, T* bias, bool narrow)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TLayout : struct, IPanelLayout
        where TA : struct, IRowSource<T, TLayout>
        where TB : struct, IColumnSource<T>
        where TC : struct, IProductTarget<T>
    {
        if (m <= 0 || n <= 0)
            return;
        if (k <= 0)
            SetRows<T, TC>(m, n, c, accumulate, bias);
        else if (VectorWidth.Wide && !narrow)
            Split<T, TLayout, TA, TB, TC, Kernel512>(m, n, k, a, b, c, accumulate, bias);
        else
            Split<T, TLayout, TA, TB, TC, Kernel256>(m, n, k, a, b, c, accumulate, bias);
    }

    private static void SetRows<T, TC>(int m, int n, TC c, bool accumulate, T* bias)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TC : struct, IProductTarget<T>
    {
        Workers.Split(m, Math.Max(1, Simd.Grain / n), (start, end) =>
        {
            for (int i = (int)start; i < end; i++)
            {
                T* row = c.Row(i);
                if (bias == null && !accumulate)
                    new Span<T>(row, n).Clear();
                else
                    for (int j = 0; j < n; j++)
                        row[j] = (accumulate ? row[j] : T.Zero) + (bias == null ? T.Zero : bias[j]);
            }
        });
    }

    private static void Split<T, TLayout, TA, TB, TC, TKernel>(int m, int n, int k, TA a, TB b, TC c, bool accumulate, T* bias)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TLayout : struct, IPanelLayout
        where TA : struct, IRowSource<T, TLayout>
        where TB : struct, IColumnSource<T>
        where TC : struct, IProductTarget<T>
        where TKernel : struct, IMicroKernel
    {
        int rowPanels = Ceiling.Divide(m, TKernel.Rows), columnPanels = Ceiling.Divide(n, TKernel.Columns<T>());
        long work = (long)m * n * k;
        var product = new Product<T, TLayout, TA, TB, TC, TKernel>(m, n, k, a, b);
        if (work <= SmallWork)
        {
            product.Compute(0, rowPanels, 0, columnPanels, 0, k, c, accumulate, bias, null, null);
            return;
        }
        int slices = Slices(m, n, k);
        if (slices > 1)
        {
            SplitDepth(product, slices, rowPanels, columnPanels, c, accumulate, bias);
        }
        else if (rowPanels >= 28 || m >= n)
        {
            T* packed = Scratch.Rent<T>(ScratchSlot.SharedColumns, (long)columnPanels * TKernel.Columns<T>() * k);
            RunChunks(Chunks(columnPanels, (long)n * k >> 16), (chunk, chunks) => product.PackColumns(
                Part(columnPanels, chunk, chunks), Part(columnPanels, chunk + 1, chunks), packed));
            // At most 168 rows per chunk: with 256 floats of depth, 168 KiB of the L2 cache.
            int least = Ceiling.Divide(rowPanels, 168 / TKernel.Rows);
            RunChunks(Chunks(rowPanels, Math.Max(least, Math.Min(work >> 20, MostChunks))), (chunk, chunks) => product.Compute(
                Part(rowPanels, chunk, chunks), Part(rowPanels, chunk + 1, chunks), 0, columnPanels, 0, k, c, accumulate, bias, null,
                packed));
        }
        else
        {
            T* packed = Scratch.Rent<T>(ScratchSlot.SharedRows, (long)rowPanels * TKernel.Rows * PanelDepth.RoundUp(k));
            RunChunks(Chunks(rowPanels, (long)m * k >> 16), (chunk, chunks) => product.PackRows(
                Part(rowPanels, chunk, chunks), Part(rowPanels, chunk + 1, chunks), packed));
            RunChunks(Chunks(columnPanels, Math.Min(work >> 20, MostChunks)), (chunk, chunks) => product.Compute(
                0, rowPanels, Part(columnPanels, chunk, chunks), Part(columnPanels, chunk + 1, chunks), 0, k, c, accumulate, bias, packed,
                null));
        }
    }

    private static void SplitDepth<T, TLayout, TA, TB, TC, TKernel>(
        Product<T, TLayout, TA, TB, TC, TKernel> product, int slices, int rowPanels, int columnPanels, TC c, bool accumulate, T* bias)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TLayout : struct, IPanelLayout
        where TA : struct, IRowSource<T, TLayout>
        where TB : struct, IColumnSource<T>
        where TC : struct, IProductTarget<T>
        where TKernel : struct, IMicroKernel
    {
        int m = product.M, n = product.N, k = product.K;
        // The rows of the partial sums start on cache lines.
        nint stride = (n + 15) & -16;
        nint area = m * stride;
        T* partials = Scratch.Rent<T>(ScratchSlot.Partials, slices * area);
        int blocks = Ceiling.Divide(k, PanelDepth.Block);
        Workers.Run(slices, slice =>
        {
            int start = Part(blocks, slice, slices) * PanelDepth.Block;
            int end = Math.Min(k, Part(blocks, slice + 1, slices) * PanelDepth.Block);
            product.Compute(
                0, rowPanels, 0, columnPanels, start, end, new RowMajorTarget<T>(partials + slice * area, stride), false, null, null, null);
        });
        RunChunks(Chunks(m, (long)area * slices >> 16), (chunk, chunks) =>
        {
            for (int row = Part(m, chunk, chunks); row < Part(m, chunk + 1, chunks); row++)
            {
                T* sum = partials + row * stride;
                for (int slice = 1; slice < slices; slice++)
                    Simd.Add(partials + slice * area + row * stride, sum, n);
                AddTile(sum, stride, 1, n, c.Row(row), 0, accumulate, bias);
            }
        });
    }

    /// <summary>
    /// The number of slices of the depth: more than one only if rows and columns are too few to split and the partial sums stay small.
    /// </summary>
    private static int Slices(int m, int n, int k)
    {
        long area = (long)m * n;
        if (m > 1024 || area > 1 << 19 || k < 1024 || k < 2 * Math.Min(m, n))
            return 1;
        // Eight slices, or fewer if they would be shallower than 256 or their partial sums larger than 4 M elements.
        return (int)Math.Clamp(Math.Min(k / 256, (1L << 22) / Math.Max(1, area)), 1, 8);
    }

    /// <summary>The number of chunks: equal shares on 2, 4 and 8 threads, but never more chunks than items.</summary>
    private static int Chunks(int items, long wanted)
    {
        if (wanted <= 1)
            return 1;
        long chunks = wanted <= 2 ? 2 : wanted <= 4 ? 4 : (wanted + 7) / 8 * 8;
        return (int)Math.Min(items, chunks);
    }

    private static void RunChunks(int chunks, Action<int, int> body) => Workers.Run(chunks, chunk => body(chunk, chunks));

    /// <summary>The first item of a chunk when items are split evenly.</summary>
    internal static int Part(int items, int chunk, int chunks) => (int)((long)items * chunk / chunks);

    /// <summary>Writes a tile from scratch memory to C: for tiles over the edge of C, and for rows at irregular addresses.</summary>
    private static void AddTile<T>(T* tile, nint tileStride, int rows, int columns, T* c, nint stride, bool accumulate, T* bias)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int row = 0; row < rows; row++, tile += tileStride, c += stride)
        {
            int j = 0;
            for (; j + Vector<T>.Count <= columns; j += Vector<T>.Count)
            {
                Vector<T> sum = Simd.Load(tile + j);
                if (bias != null)
                    sum += Simd.Load(bias + j);
                if (accumulate)
                    sum += Simd.Load(c + j);
                sum.Store(c + j);
            }
            for (; j < columns; j++)
            {
                T sum = tile[j];
                if (bias != null)
                    sum += bias[j];
                c[j] = accumulate ? c[j] + sum : sum;
            }
        }
    }

    /// <summary>The operands of one product and the loops over one chunk of it.</summary>
    private readonly struct Product<T, TLayout, TA, TB, TC, TKernel>(int m, int n, int k, TA a, TB b)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TLayout : struct, IPanelLayout
        where TA : struct, IRowSource<T, TLayout>
        where TB : struct, IColumnSource<T>
        where TC : struct, IProductTarget<T>
        where TKernel : struct, IMicroKernel
    {
        private readonly TA _a = a;
        private readonly TB _b = b;

        public int M { get; } = m;

        public int N { get; } = n;

        public int K { get; } = k;

        /// <summary>The depth of equal blocks, a multiple of <see cref="PanelDepth.Block"/>.</summary>
        private static int BlockDepth(int depth)
        {
            int largest = DepthBytes / sizeof(T);
            return PanelDepth.RoundUp(Ceiling.Divide(depth, Ceiling.Divide(depth, largest)));
        }

        /// <summary>Packs column panels [first, end) of every depth block: packed[block][panel][k][column].</summary>
        public void PackColumns(int first, int end, T* packed)
        {
            int width = TKernel.Columns<T>(), block = BlockDepth(K);
            nint all = (nint)Ceiling.Divide(N, width) * width;
            for (int depth = 0; depth < K; depth += block)
            {
                int length = Math.Min(block, K - depth);
                for (int panel = first; panel < end; panel++)
                    _b.Pack<TKernel>(
                        panel * width, Math.Min(width, N - panel * width), depth, length,
                        packed + depth * all + (nint)panel * width * length);
            }
        }

        /// <summary>Packs row panels [first, end) of every depth block: packed[block][panel], each panel in the layout's order.</summary>
        public void PackRows(int first, int end, T* packed)
        {
            int height = TKernel.Rows, block = BlockDepth(K);
            nint all = (nint)Ceiling.Divide(M, height) * height;
            for (int depth = 0; depth < K; depth += block)
            {
                int length = Math.Min(block, K - depth);
                for (int panel = first; panel < end; panel++)
                    _a.Pack<TKernel>(
                        panel * height, Math.Min(height, M - panel * height), depth, length,
                        packed + depth * all + (nint)panel * height * PanelDepth.RoundUp(length));
            }
        }

        /// <summary>
        /// Multiplies row panels [firstRow, endRow) by column panels [firstColumn, endColumn) over depths [start, end). Packs the operands
        /// that are not packed yet.
        /// </summary>
        public void Compute<TTarget>(
            int firstRow, int endRow, int firstColumn, int endColumn, int start, int end,
            TTarget c, bool accumulate, T* bias, T* packedRows, T* packedColumns)
            where TTarget : struct, IProductTarget<T>
        {
            int height = TKernel.Rows, width = TKernel.Columns<T>();
            int block = packedRows != null || packedColumns != null ? BlockDepth(K) : BlockDepth(end - start);
            nint allRows = (nint)Ceiling.Divide(M, height) * height, allColumns = (nint)Ceiling.Divide(N, width) * width;
            T* tile = stackalloc T[height * width];
            T* chunkRows = packedRows != null ? null : Scratch.Rent<T>(ScratchSlot.ChunkRows, (long)(endRow - firstRow) * height * block);
            T* columns = packedColumns != null ? null : Scratch.Rent<T>(ScratchSlot.ChunkColumns, (long)width * block);
            for (int depth = start; depth < end; depth += block)
            {
                int length = Math.Min(block, end - depth);
                nint panelSize = (nint)height * PanelDepth.RoundUp(length);
                T* rows = packedRows != null ? packedRows + depth * allRows + firstRow * panelSize : chunkRows;
                if (packedRows == null)
                    for (int panel = firstRow; panel < endRow; panel++)
                        _a.Pack<TKernel>(
                            panel * height, Math.Min(height, M - panel * height), depth, length, rows + (panel - firstRow) * panelSize);
                bool add = accumulate || depth > start;
                T* tileBias = depth == start ? bias : null;
                for (int panel = firstColumn; panel < endColumn; panel++)
                {
                    int column = panel * width, columnCount = Math.Min(width, N - column);
                    if (packedColumns != null)
                        columns = packedColumns + depth * allColumns + (nint)panel * width * length;
                    else
                        _b.Pack<TKernel>(column, columnCount, depth, length, columns);
                    Column(rows, panelSize, firstRow, endRow, columns, column, columnCount, length, c, add,
                        tileBias == null ? null : tileBias + column, tile);
                }
            }
        }

        /// <summary>Multiplies all row panels of the chunk by one column panel.</summary>
        private void Column<TTarget>(
            T* rows, nint panelSize, int firstRow, int endRow, T* columns, int column, int columnCount, int length,
            TTarget c, bool add, T* bias, T* tile)
            where TTarget : struct, IProductTarget<T>
        {
            int height = TKernel.Rows, width = TKernel.Columns<T>();
            for (int panel = firstRow; panel < endRow; panel++, rows += panelSize)
            {
                int row = panel * height, rowCount = Math.Min(height, M - row);
                if (c.Stride != 0 && rowCount == height && columnCount == width)
                {
                    TKernel.Multiply<T, TLayout>(length, rows, columns, c.Row(row) + column, c.Stride, add, bias);
                    continue;
                }
                TKernel.Multiply<T, TLayout>(length, rows, columns, tile, width, false, null);
                if (c.Stride != 0)
                    AddTile(tile, width, rowCount, columnCount, c.Row(row) + column, c.Stride, add, bias);
                else
                    for (int r = 0; r < rowCount; r++)
                        AddTile(tile + r * width, width, 1, columnCount, c.Row(row + r) + column, 0, add, bias);
            }
        }
    }
}
