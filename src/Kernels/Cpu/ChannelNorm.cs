using System.Numerics;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// The passes of batch norm over (rows, C): statistics per channel, normalisation fused with residual and ReLU, and the sums and input
/// gradient of the backward pass. Rows are cut into chunks of fixed size. The results of the chunks are combined in order, in double.
/// </summary>
internal static unsafe class ChannelNorm
{
    // A chunk of rows stays in the L2 cache between the mean pass and the deviation pass, so that both together read memory only once.
    private const int ChunkElements = 65536;

    private static int Grain(int channels) => Math.Max(8, ChunkElements / Math.Max(1, channels));

    /// <summary>Mean and biased variance of every channel of x (rows, channels), in double.</summary>
    public static void Statistics<T>(T* x, long rows, int channels, double* mean, double* variance)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int grain = Grain(channels), chunks = checked((int)(Ceiling.Divide(rows, grain)));
        Tensor scratch = Tensor.Empty([chunks, 3, channels], DTypes.Of<T>()), partials = Tensor.Zeros([chunks, 3, channels], DType.Float64);
        T* accumulators = scratch.Pointer<T>();
        double* partial = partials.Pointer<double>();
        Workers.Run(chunks, chunk =>
        {
            long start = (long)chunk * grain;
            int count = (int)Math.Min(grain, rows - start);
            T* center = accumulators + (long)chunk * 3 * channels, sums = center + channels;
            double* means = partial + (long)chunk * 3 * channels, deviations = means + channels;
            for (int row = 0; row < count; row += ColumnSums.BlockRows)
                ColumnSums.Values(x + (start + row) * channels, Math.Min(ColumnSums.BlockRows, count - row), channels, sums, means);
            for (int c = 0; c < channels; c++)
                center[c] = T.CreateChecked(means[c] /= count);
            for (int row = 0; row < count; row += ColumnSums.BlockRows)
                ColumnSums.Deviations(
                    x + (start + row) * channels, Math.Min(ColumnSums.BlockRows, count - row), channels, center, sums, deviations);
        });
        // Chan, Golub and LeVeque 1983: mean = sum n_i mean_i / n; squared deviations = sum of (deviations_i + n_i (mean_i - mean)^2),
        // where the deviations, taken about the rounded mean, are first reduced by their own mean.
        for (int c = 0; c < channels; c++)
        {
            double total = 0;
            for (int chunk = 0; chunk < chunks; chunk++)
                total += Math.Min(grain, rows - (long)chunk * grain) * partial[(long)chunk * 3 * channels + c];
            double m = total / rows, squares = 0;
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                double* means = partial + (long)chunk * 3 * channels;
                double count = Math.Min(grain, rows - (long)chunk * grain), delta = means[c] - m, rest = means[channels + c];
                squares += means[2 * channels + c] - rest * rest / count + count * delta * delta;
            }
            mean[c] = m;
            variance[c] = squares / rows;
        }
    }

    /// <summary>
    /// y = x * scale + shift (+ residual), then ReLU if asked for; scale and shift are per channel, residual may be null, y may be x.
    /// </summary>
    public static void Apply<T>(T* x, T* scale, T* shift, T* residual, T* y, long rows, int channels, bool relu)
        where T : unmanaged, IFloatingPointIeee754<T> => Workers.Split(rows, Grain(channels), (start, end) =>
        {
            for (long row = start; row < end; row++)
            {
                T* rowX = x + row * channels, rowY = y + row * channels, rowR = residual == null ? null : residual + row * channels;
                int c = 0;
                for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
                {
                    Vector<T> value = Simd.Fma(Simd.Load(rowX + c), Simd.Load(scale + c), Simd.Load(shift + c));
                    if (rowR != null)
                        value += Simd.Load(rowR + c);
                    if (relu)
                        value = Vector.ConditionalSelect(Vector.LessThan(value, Vector<T>.Zero), Vector<T>.Zero, value);
                    value.Store(rowY + c);
                }
                for (; c < channels; c++)
                {
                    T value = rowX[c] * scale[c] + shift[c];
                    if (rowR != null)
                        value += rowR[c];
                    rowY[c] = relu && value < T.Zero ? T.Zero : value;
                }
            }
        });

    /// <summary>
    /// With g = dy where output &gt; 0 (everywhere if output is null): sumG = sum of g, sumGX = sum of g * (x - mean) per channel, in
    /// double; writes g to <paramref name="masked"/> unless that is null.
    /// </summary>
    public static void BackwardSums<T>(T* x, T* output, T* dy, T* mean, long rows, int channels, T* masked, double* sumG, double* sumGX)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int grain = Grain(channels), chunks = checked((int)(Ceiling.Divide(rows, grain)));
        Tensor scratch = Tensor.Zeros([chunks, 2, channels], DTypes.Of<T>()), partials = Tensor.Zeros([chunks, 2, channels], DType.Float64);
        T* accumulators = scratch.Pointer<T>();
        double* partial = partials.Pointer<double>();
        Workers.Run(chunks, chunk =>
        {
            T* sums = accumulators + (long)chunk * 2 * channels, products = sums + channels;
            long end = Math.Min(rows, (chunk + 1L) * grain);
            for (long row = (long)chunk * grain; row < end; row++)
            {
                long offset = row * channels;
                int c = 0;
                for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
                {
                    Vector<T> g = Simd.Load(dy + offset + c);
                    if (output != null)
                        g = Vector.ConditionalSelect(
                            Vector.GreaterThan(Simd.Load(output + offset + c), Vector<T>.Zero), g, Vector<T>.Zero);
                    if (masked != null)
                        g.Store(masked + offset + c);
                    (Simd.Load(sums + c) + g).Store(sums + c);
                    Simd.Fma(g, Simd.Load(x + offset + c) - Simd.Load(mean + c), Simd.Load(products + c)).Store(products + c);
                }
                for (; c < channels; c++)
                {
                    T g = output == null || output[offset + c] > T.Zero ? dy[offset + c] : T.Zero;
                    if (masked != null)
                        masked[offset + c] = g;
                    sums[c] += g;
                    products[c] += g * (x[offset + c] - mean[c]);
                }
                if ((row + 1) % ColumnSums.BlockRows == 0 || row + 1 == end)
                    ColumnSums.Flush(sums, partial + (long)chunk * 2 * channels, 2 * channels);
            }
        });
        for (int c = 0; c < channels; c++)
        {
            double g = 0, gx = 0;
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                g += partial[(long)chunk * 2 * channels + c];
                gx += partial[((long)chunk * 2 + 1) * channels + c];
            }
            sumG[c] = g;
            sumGX[c] = gx;
        }
    }

    /// <summary>dx = a * g + b * x + d per channel, with g as in <see cref="BackwardSums"/>; overwrites dx or adds to it.</summary>
    public static void BackwardInput<T>(
        T* x, T* output, T* dy, T* a, T* b, T* d, T* dx, long rows, int channels, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T> => Workers.Split(rows, Grain(channels), (start, end) =>
        {
            for (long row = start; row < end; row++)
            {
                long offset = row * channels;
                int c = 0;
                for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
                {
                    Vector<T> g = Simd.Load(dy + offset + c);
                    if (output != null)
                        g = Vector.ConditionalSelect(
                            Vector.GreaterThan(Simd.Load(output + offset + c), Vector<T>.Zero), g, Vector<T>.Zero);
                    Vector<T> value = Simd.Fma(Simd.Load(x + offset + c), Simd.Load(b + c), Simd.Load(d + c));
                    value = Simd.Fma(g, Simd.Load(a + c), value);
                    (accumulate ? Simd.Load(dx + offset + c) + value : value).Store(dx + offset + c);
                }
                for (; c < channels; c++)
                {
                    T g = output == null || output[offset + c] > T.Zero ? dy[offset + c] : T.Zero;
                    T value = a[c] * g + (x[offset + c] * b[c] + d[c]);
                    dx[offset + c] = accumulate ? dx[offset + c] + value : value;
                }
            }
        });
}
