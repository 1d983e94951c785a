using System.Runtime.CompilerServices;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// The im2col matrix of a convolution, which is never stored: one row per pixel (b, py, px) of a grid, one run of <see cref="Run"/> values
/// per tap. windows[(b,py,px), t * Run + i] = image[b, py * Step + dy[t], px * Step + dx[t], i], 0 outside of the image.
/// </summary>
/// <remarks>
/// It serves the forward pass (grid = output, image = input), the gradient of the input (grid = one phase of the input's pixels,
/// image = dOutput) and, with runs of several neighbouring pixels, inputs with few channels.
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

    /// <summary>The start of a tap's run for a grid pixel; null outside of the image.</summary>
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
