using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// The matrix of a convolution that is never stored: one row per pixel (b, py, px) of a grid, one run of <see cref="Run"/> values per tap.
/// windows[(b,py,px), t * Run + i] = image[b, py * Step + dy[t], px * Step + dx[t], i], 0 outside of the image.
/// </summary>
/// <remarks>
/// Serves the forward pass (grid = output, image = input), the gradient of the input (grid = one phase of the input's pixels,
/// image = dOutput), and, with runs of several neighbouring pixels, inputs of few channels.
/// </remarks>
internal readonly unsafe struct Windows<T> where T : unmanaged
{
    /// <summary>Address of the first pixel's first channel.</summary>
    public T* Image { get; init; }

    /// <summary>Rows of the image.</summary>
    public int Height { get; init; }

    /// <summary>Columns of the image at which a run may start.</summary>
    public int Width { get; init; }

    /// <summary>Elements from one pixel to the next.</summary>
    public nint PixelStride { get; init; }

    /// <summary>Elements from one row to the next.</summary>
    public nint RowStride { get; init; }

    /// <summary>Rows of the grid.</summary>
    public int GridHeight { get; init; }

    /// <summary>Columns of the grid.</summary>
    public int GridWidth { get; init; }

    /// <summary>Image pixels from one grid pixel to the next.</summary>
    public int Step { get; init; }

    /// <summary>Offsets dy, dx of every tap, in pairs.</summary>
    public int* Taps { get; init; }

    /// <summary>Values per tap.</summary>
    public int Run { get; init; }

    /// <summary>The place of a grid pixel.</summary>
    public Place At(int pixel)
    {
        int row = pixel / GridWidth;
        return new Place(row / GridHeight, row % GridHeight, pixel % GridWidth);
    }

    /// <summary>The next grid pixel in memory order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Place Next(Place place)
    {
        if (++place.X == GridWidth)
        {
            place.X = 0;
            if (++place.Y == GridHeight)
            {
                place.Y = 0;
                place.Batch++;
            }
        }
        return place;
    }

    /// <summary>Where a tap's run of a grid pixel starts; null outside of the image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* Source(Place place, int tap)
    {
        int y = place.Y * Step + Taps[2 * tap], x = place.X * Step + Taps[2 * tap + 1];
        return (uint)y < (uint)Height && (uint)x < (uint)Width
            ? Image + ((nint)place.Batch * Height + y) * RowStride + x * PixelStride
            : null;
    }

    /// <summary>A pixel of the grid.</summary>
    public struct Place(int batch, int y, int x)
    {
        /// <summary>Image of the batch.</summary>
        public int Batch = batch;

        /// <summary>Row of the grid.</summary>
        public int Y = y;

        /// <summary>Column of the grid.</summary>
        public int X = x;
    }
}

/// <summary>Windows as the left operand: rows are grid pixels.</summary>
internal readonly unsafe struct WindowRows<T>(Windows<T> windows) : IRowSource<T, BlockedLayout> where T : unmanaged
{
    /// <inheritdoc />
    public void Pack<TKernel>(int row, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel
    {
        int run = windows.Run;
        bool whole = run % PanelDepth.Block == 0;
        T* line = whole ? null : Scratch.Rent<T>(ScratchSlot.Row, length + PanelDepth.Block);
        Windows<T>.Place place = windows.At(row);
        for (int r = 0; r < TKernel.Rows; r++, panel += PanelDepth.Block)
        {
            if (r >= count)
            {
                T* target = panel;
                for (int k = 0; k < length; k += PanelDepth.Block, target += TKernel.Rows * PanelDepth.Block)
                    Panels.ZeroBlock(target);
                continue;
            }
            if (whole)
                PackBlocks<TKernel>(place, depth, length, panel);
            else
                PackLine<TKernel>(place, depth, length, line, panel);
            place = windows.Next(place);
        }
    }

    /// <summary>Runs of whole blocks go straight to the panel.</summary>
    private void PackBlocks<TKernel>(Windows<T>.Place place, int depth, int length, T* target) where TKernel : struct, IMicroKernel
    {
        int run = windows.Run, tap = depth / run, offset = depth % run;
        for (int left = length; left > 0; tap++, offset = 0)
        {
            int part = Math.Min(run - offset, left);
            left -= part;
            T* source = windows.Source(place, tap);
            if (source == null)
            {
                for (; part > 0; part -= PanelDepth.Block, target += TKernel.Rows * PanelDepth.Block)
                    Panels.ZeroBlock(target);
                continue;
            }
            for (source += offset; part > 0; part -= PanelDepth.Block, source += PanelDepth.Block, target += TKernel.Rows * PanelDepth.Block)
                Panels.CopyBlock(source, target);
        }
    }

    /// <summary>Other runs are put together in a line first, which is then copied by blocks.</summary>
    private void PackLine<TKernel>(Windows<T>.Place place, int depth, int length, T* line, T* target) where TKernel : struct, IMicroKernel
    {
        int run = windows.Run, tap = depth / run, offset = depth % run;
        for (int k = 0; k < length; tap++, offset = 0)
        {
            int part = Math.Min(run - offset, length - k);
            Panels.CopyRun(windows.Source(place, tap), offset, line + k, part);
            k += part;
        }
        for (int k = 0; k < length; k += PanelDepth.Block, target += TKernel.Rows * PanelDepth.Block)
            Panels.CopyBlock(line + k, target);
    }
}

/// <summary>Windows as the right operand: depths are grid pixels, columns are taps and channels. For the gradient of the weight.</summary>
internal readonly unsafe struct WindowColumns<T>(Windows<T> windows) : IColumnSource<T> where T : unmanaged
{
    /// <inheritdoc />
    public void Pack<TKernel>(int column, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel
    {
        int width = TKernel.Columns<T>(), run = windows.Run, firstTap = column / run, firstOffset = column % run;
        bool single = count == width && firstOffset + width <= run;
        Windows<T>.Place place = windows.At(depth);
        for (int k = 0; k < length; k++, panel += width, place = windows.Next(place))
        {
            if (single)
            {
                T* source = windows.Source(place, firstTap);
                if (source == null)
                    Unsafe.InitBlockUnaligned(panel, 0, (uint)(width * sizeof(T)));
                else
                    Unsafe.CopyBlockUnaligned(panel, source + firstOffset, (uint)(width * sizeof(T)));
                continue;
            }
            int tap = firstTap, offset = firstOffset;
            for (int i = 0; i < count; tap++, offset = 0)
            {
                int part = Math.Min(run - offset, count - i);
                Panels.CopyRun(windows.Source(place, tap), offset, panel + i, part);
                i += part;
            }
            for (int i = count; i < width; i++)
                panel[i] = default;
        }
    }
}

/// <summary>
/// The filters as the right operand of the input's gradient: B[t * filters + o, c] = weight[o, ky[t], kx[t], c], without a flipped copy.
/// </summary>
internal readonly unsafe struct TapColumns<T>(T* weight, int filters, nint filterStride, nint* tapOffsets) : IColumnSource<T>
    where T : unmanaged
{
    /// <inheritdoc />
    public void Pack<TKernel>(int column, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel
    {
        int tap = depth / filters, filter = depth % filters;
        for (; length > 0; tap++, filter = 0)
        {
            int part = Math.Min(filters - filter, length);
            Panels.CopyRows(
                weight + filter * filterStride + tapOffsets[tap] + column, filterStride, count, TKernel.Columns<T>(), part, panel, true);
            panel += (nint)part * TKernel.Columns<T>();
            length -= part;
        }
    }
}

/// <summary>Rows are the pixels (q * step + phase) of an image: where one phase of a strided convolution's input gradient goes.</summary>
internal readonly unsafe struct PhaseTarget<T>(
    T* data, int gridHeight, int gridWidth, nint pixelStride, nint rowStride, nint imageStride) : IProductTarget<T>
    where T : unmanaged
{
    /// <inheritdoc />
    public nint Stride => 0;

    /// <inheritdoc />
    public T* Row(int row)
    {
        int line = row / gridWidth;
        return data + line / gridHeight * imageStride + line % gridHeight * rowStride + row % gridWidth * pixelStride;
    }
}
