using System.Numerics;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// The passes of batch norm over (rows, C): statistics per channel, normalisation fused with residual and ReLU, and the backward sums and
/// input gradient. Rows are cut into chunks of fixed size; per-chunk results are combined in order, in double.
/// </summary>
internal static unsafe class ChannelNorm
{
    // A chunk of rows stays in the second-level cache between the mean and the deviation pass: one trip to memory for both.
    private const int ChunkElements = 65536;

    private static int Grain(int channels) => Math.Max(8, ChunkElements / Math.Max(1, channels));

    /// <summary>Mean and biased variance of every channel of x (rows, channels), in double.</summary>
    public static void Statistics<T>(T* x, long rows, int channels, double* mean, double* variance)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int grain = Grain(channels), chunks = checked((int)((rows + grain - 1) / grain));
        Tensor partials = Tensor.Empty([chunks, 2, channels], DTypes.Of<T>());
        T* partial = partials.Pointer<T>();
        Workers.Run(chunks, chunk =>
        {
            long start = (long)chunk * grain;
            int count = (int)Math.Min(grain, rows - start);
            T* means = partial + (long)chunk * 2 * channels, deviations = means + channels;
            ColumnMeans(x + start * channels, count, channels, means);
            ColumnDeviations(x + start * channels, count, channels, means, deviations);
        });
        // Chan, Golub and LeVeque 1983: mean = sum n_i mean_i / n; squared deviations = sum of (deviations_i + n_i (mean_i - mean)^2).
        for (int c = 0; c < channels; c++)
        {
            double total = 0;
            for (int chunk = 0; chunk < chunks; chunk++)
                total += Math.Min(grain, rows - (long)chunk * grain) * double.CreateChecked(partial[(long)chunk * 2 * channels + c]);
            double m = total / rows, squares = 0;
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                T* means = partial + (long)chunk * 2 * channels;
                double delta = double.CreateChecked(means[c]) - m;
                squares += double.CreateChecked(means[channels + c]) + Math.Min(grain, rows - (long)chunk * grain) * delta * delta;
            }
            mean[c] = m;
            variance[c] = squares / rows;
        }
    }

    private static void ColumnMeans<T>(T* x, int rows, int channels, T* means) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T inverse = T.One / T.CreateChecked(rows);
        int width = Vector<T>.Count, c = 0;
        for (; c + 4 * width <= channels; c += 4 * width)
        {
            Vector<T> s0 = default, s1 = default, s2 = default, s3 = default;
            T* p = x + c;
            for (int row = 0; row < rows; row++, p += channels)
            {
                s0 += Simd.Load(p);
                s1 += Simd.Load(p + width);
                s2 += Simd.Load(p + 2 * width);
                s3 += Simd.Load(p + 3 * width);
            }
            (s0 * inverse).Store(means + c);
            (s1 * inverse).Store(means + c + width);
            (s2 * inverse).Store(means + c + 2 * width);
            (s3 * inverse).Store(means + c + 3 * width);
        }
        for (; c < channels; c++)
        {
            T sum = T.Zero;
            for (int row = 0; row < rows; row++)
                sum += x[(long)row * channels + c];
            means[c] = sum * inverse;
        }
    }

    private static void ColumnDeviations<T>(T* x, int rows, int channels, T* means, T* deviations)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int width = Vector<T>.Count, c = 0;
        for (; c + 4 * width <= channels; c += 4 * width)
        {
            Vector<T> m0 = Simd.Load(means + c), m1 = Simd.Load(means + c + width);
            Vector<T> m2 = Simd.Load(means + c + 2 * width), m3 = Simd.Load(means + c + 3 * width);
            Vector<T> s0 = default, s1 = default, s2 = default, s3 = default;
            T* p = x + c;
            for (int row = 0; row < rows; row++, p += channels)
            {
                Vector<T> d0 = Simd.Load(p) - m0, d1 = Simd.Load(p + width) - m1;
                Vector<T> d2 = Simd.Load(p + 2 * width) - m2, d3 = Simd.Load(p + 3 * width) - m3;
                s0 = Simd.Fma(d0, d0, s0);
                s1 = Simd.Fma(d1, d1, s1);
                s2 = Simd.Fma(d2, d2, s2);
                s3 = Simd.Fma(d3, d3, s3);
            }
            s0.Store(deviations + c);
            s1.Store(deviations + c + width);
            s2.Store(deviations + c + 2 * width);
            s3.Store(deviations + c + 3 * width);
        }
        for (; c < channels; c++)
        {
            T sum = T.Zero;
            for (int row = 0; row < rows; row++)
            {
                T d = x[(long)row * channels + c] - means[c];
                sum += d * d;
            }
            deviations[c] = sum;
        }
    }

    /// <summary>y = x * scale + shift (+ residual), rectified if asked for; scale and shift per channel, residual may be null, y may be x.</summary>
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
    /// With g = dy where output &gt; 0 (everywhere if output is null): sumG = sum of g, sumGX = sum of g * (x - mean) per channel, in double;
    /// writes g to <paramref name="masked"/> unless that is null.
    /// </summary>
    public static void BackwardSums<T>(T* x, T* output, T* dy, T* mean, long rows, int channels, T* masked, double* sumG, double* sumGX)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int grain = Grain(channels), chunks = checked((int)((rows + grain - 1) / grain));
        Tensor partials = Tensor.Zeros([chunks, 2, channels], DTypes.Of<T>());
        T* partial = partials.Pointer<T>();
        Workers.Run(chunks, chunk =>
        {
            T* sums = partial + (long)chunk * 2 * channels, products = sums + channels;
            for (long row = (long)chunk * grain; row < Math.Min(rows, (chunk + 1L) * grain); row++)
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
            }
        });
        for (int c = 0; c < channels; c++)
        {
            double g = 0, gx = 0;
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                g += double.CreateChecked(partial[(long)chunk * 2 * channels + c]);
                gx += double.CreateChecked(partial[(long)chunk * 2 * channels + channels + c]);
            }
            sumG[c] = g;
            sumGX[c] = gx;
        }
    }

    /// <summary>dx = a * g + b * x + d per channel, with g as in <see cref="BackwardSums"/>; added to dx or written over it.</summary>
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
