using System.Numerics;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Sums over the rows of (rows, channels) in two levels: in T over blocks of a few rows, in double over blocks. The sums of batch norm
/// almost cancel, and AdamW divides by their size. With float alone, the logits of a small network after ten steps were off by 2.7e-3; with
/// two levels, by 4.9e-5 (golden case csunet_mini_ten_steps).
/// </summary>
internal static unsafe class ColumnSums
{
    /// <summary>Rows that are summed in T before the sum is added in double.</summary>
    public const int BlockRows = 32;

    private const int ChunkElements = 65536;

    /// <summary>sums (channels) = [sums +] sum over rows of x (rows, channels), on all threads: the gradient of a bias.</summary>
    public static void Run<T>(int rows, int channels, T* x, T* sums, bool accumulate) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int grain = Math.Max(BlockRows, ChunkElements / Math.Max(1, channels)), chunks = Ceiling.Divide(rows, grain);
        Tensor scratch = Tensor.Empty([chunks, channels], DTypes.Of<T>()), partials = Tensor.Zeros([chunks, channels], DType.Float64);
        T* accumulators = scratch.Pointer<T>();
        double* partial = partials.Pointer<double>();
        Workers.Run(chunks, chunk =>
        {
            int end = (int)Math.Min(rows, (chunk + 1L) * grain);
            for (int row = chunk * grain; row < end; row += BlockRows)
                Values(x + (long)row * channels, Math.Min(BlockRows, end - row), channels, accumulators + (long)chunk * channels,
                    partial + (long)chunk * channels);
        });
        for (int c = 0; c < channels; c++)
        {
            double sum = accumulate ? double.CreateChecked(sums[c]) : 0;
            for (int chunk = 0; chunk < chunks; chunk++)
                sum += partial[(long)chunk * channels + c];
            sums[c] = T.CreateChecked(sum);
        }
        GC.KeepAlive(scratch);
        GC.KeepAlive(partials);
    }

    /// <summary>The reference implementation of <see cref="Run"/>: two plain loops.</summary>
    public static void Reference<T>(int rows, int channels, T* x, T* sums, bool accumulate) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int c = 0; c < channels; c++)
        {
            double sum = accumulate ? double.CreateChecked(sums[c]) : 0;
            for (long row = 0; row < rows; row++)
                sum += double.CreateChecked(x[row * channels + c]);
            sums[c] = T.CreateChecked(sum);
        }
    }

    /// <summary>totals += accumulators; then clears the accumulators.</summary>
    public static void Flush<T>(T* accumulators, double* totals, int count) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int i = 0; i < count; i++)
            totals[i] += double.CreateChecked(accumulators[i]);
        new Span<T>(accumulators, count).Clear();
    }

    /// <summary>totals (channels) += sum of a block of rows; accumulators is scratch memory of one row.</summary>
    public static void Values<T>(T* x, int rows, int channels, T* accumulators, double* totals)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        new Span<T>(accumulators, channels).Clear();
        int row = 0;
        // Four rows at a time: one load and store of the sum per four rows of x.
        for (; row + 4 <= rows; row += 4)
        {
            T* x0 = x + (long)row * channels, x1 = x0 + channels, x2 = x1 + channels, x3 = x2 + channels;
            int c = 0;
            for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
            {
                Vector<T> sum = Simd.Load(x0 + c) + Simd.Load(x1 + c) + (Simd.Load(x2 + c) + Simd.Load(x3 + c));
                (Simd.Load(accumulators + c) + sum).Store(accumulators + c);
            }
            for (; c < channels; c++)
                accumulators[c] += x0[c] + x1[c] + (x2[c] + x3[c]);
        }
        for (; row < rows; row++)
            Simd.Add(x + (long)row * channels, accumulators, channels);
        Flush(accumulators, totals, channels);
    }

    /// <summary>
    /// totals (2, channels) += sums of x - center and of its square over a block of rows; accumulators is scratch memory of two rows.
    /// </summary>
    public static void Deviations<T>(T* x, int rows, int channels, T* center, T* accumulators, double* totals)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* squares = accumulators + channels;
        new Span<T>(accumulators, 2 * channels).Clear();
        for (int row = 0; row < rows; row++)
        {
            T* values = x + (long)row * channels;
            int c = 0;
            for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
            {
                Vector<T> d = Simd.Load(values + c) - Simd.Load(center + c);
                (Simd.Load(accumulators + c) + d).Store(accumulators + c);
                Simd.Fma(d, d, Simd.Load(squares + c)).Store(squares + c);
            }
            for (; c < channels; c++)
            {
                T d = values[c] - center[c];
                accumulators[c] += d;
                squares[c] += d * d;
            }
        }
        Flush(accumulators, totals, 2 * channels);
    }
}
