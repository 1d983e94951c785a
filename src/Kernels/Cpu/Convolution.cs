using System.Numerics;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Convolutions as matrix products. Their window matrix (im2col) is packed on the fly and never stored. Tensors are channels-last:
/// input (B,H,W,C), weight (O,KH,KW,C/G), output (B,OH,OW,O). Compute-bound; bitwise the same with any number of threads.
/// </summary>
internal static unsafe class Convolution
{
    // Below this many channels, a kernel row of neighbouring pixels is packed as one run: in the 7x7 stem on 3 channels, runs of 21.
    private const int FewChannels = 16;

    // From this many groups on, the threads share the groups. Fewer groups run one after the other, each on all threads.
    private const int ManyGroups = 4;

    /// <summary>output[b,y,x,o] = bias[o] + Σ input[b, y·s+ky-p, x·s+kx-p, c] weight[o,ky,kx,c]; bias may be null.</summary>
    public static void Forward<T>(ConvolutionShape shape, T* input, T* weight, T* bias, T* output, bool narrow = false)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int pixels = shape.OutputPixels, channels = shape.GroupChannels, filters = shape.GroupFilters, size = shape.FilterSize;
        int* taps = stackalloc int[2 * shape.KernelHeight * shape.KernelWidth];
        Windows<T> windows = shape.IsPointwise ? default : InputWindows(shape, input, taps);
        ForEachGroup(shape.Groups, group =>
        {
            var filter = new ColumnMajorColumns<T>(weight + (nint)group * filters * size, size);
            var target = new RowMajorTarget<T>(output + (nint)group * filters, shape.Filters);
            T* groupBias = bias == null ? null : bias + (nint)group * filters;
            if (shape.IsPointwise)
                BlockedProduct.Run<T, BlockedLayout, RowMajorRows<T>, ColumnMajorColumns<T>, RowMajorTarget<T>>(
                    pixels, filters, size, new(input + (nint)group * channels, shape.Channels), filter, target, false, groupBias,
                    narrow);
            else
                BlockedProduct.Run<T, BlockedLayout, WindowRows<T>, ColumnMajorColumns<T>, RowMajorTarget<T>>(
                    pixels, filters, size, new(windows with { Image = windows.Image + (nint)group * channels }), filter, target,
                    false, groupBias, narrow);
        });
    }

    /// <summary>
    /// dWeight[o,ky,kx,c] = [dWeight +] Σ dOutput[b,y,x,o] input[b, y·s+ky-p, x·s+kx-p, c]: a product whose depth is the output's pixels.
    /// </summary>
    public static void BackwardWeight<T>(ConvolutionShape shape, T* input, T* dOutput, T* dWeight, bool accumulate, bool narrow = false)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int pixels = shape.OutputPixels, channels = shape.GroupChannels, filters = shape.GroupFilters, size = shape.FilterSize;
        int* taps = stackalloc int[2 * shape.KernelHeight * shape.KernelWidth];
        Windows<T> windows = shape.IsPointwise ? default : InputWindows(shape, input, taps);
        ForEachGroup(shape.Groups, group =>
        {
            var rows = new ColumnMajorRows<T>(dOutput + (nint)group * filters, shape.Filters);
            var target = new RowMajorTarget<T>(dWeight + (nint)group * filters * size, size);
            if (shape.IsPointwise)
                BlockedProduct.Run<T, InterleavedLayout, ColumnMajorRows<T>, RowMajorColumns<T>, RowMajorTarget<T>>(
                    filters, size, pixels, rows, new(input + (nint)group * channels, shape.Channels), target, accumulate, null, narrow);
            else
                BlockedProduct.Run<T, InterleavedLayout, ColumnMajorRows<T>, WindowColumns<T>, RowMajorTarget<T>>(
                    filters, size, pixels, rows, new(windows with { Image = windows.Image + (nint)group * channels }), target,
                    accumulate, null, narrow);
        });
    }

    /// <summary>
    /// dInput[b,i,j,c] = [dInput +] Σ dOutput[b,y,x,o] weight[o,ky,kx,c] over y·s+ky-p = i and x·s+kx-p = j.
    /// </summary>
    /// <remarks>
    /// The input's pixels fall into s·s phases (i mod s, j mod s). All pixels of a phase have the same taps at the same offsets. So a phase
    /// is a convolution of dOutput with stride 1, and no pixel is written twice.
    /// </remarks>
    public static void BackwardInput<T>(ConvolutionShape shape, T* weight, T* dOutput, T* dInput, bool accumulate, bool narrow = false)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int channels = shape.GroupChannels, filters = shape.GroupFilters, size = shape.FilterSize;
        ForEachGroup(shape.Groups, group =>
        {
            T* filter = weight + (nint)group * filters * size, source = dOutput + (nint)group * filters;
            T* target = dInput + (nint)group * channels;
            if (shape.IsPointwise)
                BlockedProduct.Run<T, BlockedLayout, RowMajorRows<T>, RowMajorColumns<T>, RowMajorTarget<T>>(
                    shape.OutputPixels, channels, filters, new(source, shape.Filters), new(filter, size),
                    new(target, shape.Channels), accumulate, null, narrow);
            else
                for (int phase = 0; phase < shape.Stride * shape.Stride; phase++)
                    BackwardPhase(shape, phase / shape.Stride, phase % shape.Stride, filter, source, target, accumulate, narrow);
        });
    }

    private static void BackwardPhase<T>(ConvolutionShape shape, int phaseY, int phaseX, T* weight, T* dOutput, T* dInput, bool accumulate,
        bool narrow)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int stride = shape.Stride, channels = shape.GroupChannels, filters = shape.GroupFilters;
        int gridHeight = (shape.Height - phaseY + stride - 1) / stride, gridWidth = (shape.Width - phaseX + stride - 1) / stride;
        if (gridHeight <= 0 || gridWidth <= 0)
            return;
        int* taps = stackalloc int[2 * shape.KernelHeight * shape.KernelWidth];
        nint* offsets = stackalloc nint[shape.KernelHeight * shape.KernelWidth];
        int count = 0;
        for (int ky = 0; ky < shape.KernelHeight; ky++)
            for (int kx = 0; kx < shape.KernelWidth; kx++)
            {
                int y = phaseY + shape.Padding - ky, x = phaseX + shape.Padding - kx;
                if (y % stride != 0 || x % stride != 0)
                    continue;
                taps[2 * count] = y / stride;
                taps[2 * count + 1] = x / stride;
                offsets[count++] = (nint)(ky * shape.KernelWidth + kx) * channels;
            }
        var windows = new Windows<T>
        {
            Image = dOutput, Height = shape.OutputHeight, Width = shape.OutputWidth, PixelStride = shape.Filters,
            RowStride = (nint)shape.OutputWidth * shape.Filters, GridHeight = gridHeight, GridWidth = gridWidth, Step = 1, Taps = taps,
            Run = filters,
        };
        int pixels = checked(shape.Batch * gridHeight * gridWidth);
        var columns = new TapColumns<T>(weight, filters, shape.FilterSize, offsets);
        nint row = (nint)shape.Width * shape.Channels;
        if (stride == 1)
            BlockedProduct.Run<T, BlockedLayout, WindowRows<T>, TapColumns<T>, RowMajorTarget<T>>(
                pixels, channels, count * filters, new(windows), columns, new(dInput, shape.Channels), accumulate, null, narrow);
        else
            BlockedProduct.Run<T, BlockedLayout, WindowRows<T>, TapColumns<T>, PhaseTarget<T>>(
                pixels, channels, count * filters, new(windows), columns,
                new(dInput + phaseY * row + phaseX * shape.Channels, gridHeight, gridWidth, (nint)stride * shape.Channels, stride * row,
                    shape.Height * row),
                accumulate, null, narrow);
    }

    /// <summary>The windows of the input, one row per output pixel.</summary>
    private static Windows<T> InputWindows<T>(ConvolutionShape shape, T* input, int* taps) where T : unmanaged
    {
        // Whole kernel rows as runs need every pixel of the row to exist. For few channels, a copy with a zero border is worth it.
        bool rows = shape.Groups == 1 && shape.Channels < FewChannels && shape.KernelWidth > 1;
        int padding = shape.Padding, height = shape.Height, width = shape.Width;
        if (rows && padding > 0)
        {
            input = Pad(shape, input);
            height += 2 * padding;
            width += 2 * padding;
            padding = 0;
        }
        int across = rows ? 1 : shape.KernelWidth;
        for (int ky = 0; ky < shape.KernelHeight; ky++)
            for (int kx = 0; kx < across; kx++)
            {
                taps[2 * (ky * across + kx)] = ky - padding;
                taps[2 * (ky * across + kx) + 1] = kx - padding;
            }
        return new Windows<T>
        {
            Image = input, Height = height, Width = width, PixelStride = shape.Channels, RowStride = (nint)width * shape.Channels,
            GridHeight = shape.OutputHeight, GridWidth = shape.OutputWidth, Step = shape.Stride, Taps = taps,
            Run = rows ? shape.KernelWidth * shape.Channels : shape.GroupChannels,
        };
    }

    /// <summary>Copies the input with its zero border into scratch memory of the calling thread.</summary>
    private static T* Pad<T>(ConvolutionShape shape, T* input) where T : unmanaged
    {
        int border = shape.Padding, height = shape.Height + 2 * border;
        int line = shape.Width * shape.Channels, side = border * shape.Channels, stride = line + 2 * side;
        T* padded = Scratch.Rent<T>(ScratchSlot.Padded, (long)shape.Batch * height * stride);
        Workers.Split((long)shape.Batch * height, Math.Max(1, Simd.Grain / stride), (start, end) =>
        {
            for (long row = start; row < end; row++)
            {
                var target = new Span<T>(padded + row * stride, stride);
                long y = row % height - border;
                if (y < 0 || y >= shape.Height)
                {
                    target.Clear();
                    continue;
                }
                target[..side].Clear();
                new Span<T>(input + (row / height * shape.Height + y) * line, line).CopyTo(target[side..]);
                target[(side + line)..].Clear();
            }
        });
        return padded;
    }

    private static void ForEachGroup(int groups, Action<int> body)
    {
        if (groups >= ManyGroups)
        {
            Workers.Run(groups, body);
            return;
        }
        for (int group = 0; group < groups; group++)
            body(group);
    }
}
