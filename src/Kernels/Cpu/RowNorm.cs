using System.Numerics;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>Layer normalisation of rows on the CPU; <see cref="LayerNorm"/> documents the formulas.</summary>
internal static class RowNorm
{
    // The rows of a chunk hold about this many elements. Parameter gradients are summed per chunk, then over chunks in order.
    private const int ChunkElements = 32768;

    /// <summary>Computes output (rows, C), mean and rstd (rows) from an input with rows at <paramref name="places"/>.</summary>
    public static unsafe void Forward<T, TPlaces>(
        Tensor input, TPlaces places, Tensor weight, Tensor bias, double epsilon, Tensor output, Tensor mean, Tensor rstd)
        where T : unmanaged, IFloatingPointIeee754<T> where TPlaces : struct, IRowPlaces
    {
        T* x = input.Pointer<T>(), w = weight.Pointer<T>(), b = bias.Pointer<T>(), y = output.Pointer<T>();
        T* means = mean.Pointer<T>(), rstds = rstd.Pointer<T>();
        int channels = output.Shape.Last;
        T inverse = T.One / T.CreateChecked(channels), eps = T.CreateChecked(epsilon);
        Workers.Split(output.Shape.Rows, Math.Max(1, ChunkElements / channels), (start, end) =>
        {
            for (long row = start; row < end; row++)
            {
                // A row of several runs is gathered into its place in the output.
                T* rowY = y + row * channels, rowX = Gather(x, places, row, rowY, channels);
                // Two passes, because a large mean would cancel the variance in one; the row stays in the L1 cache.
                T rowMean = Sum(rowX, channels) * inverse;
                T variance = SumOfSquaredDeviations(rowX, rowMean, channels) * inverse;
                T rowRstd = T.One / T.Sqrt(variance + eps);
                means[row] = rowMean;
                rstds[row] = rowRstd;
                var m = new Vector<T>(rowMean);
                var s = new Vector<T>(rowRstd);
                int c = 0;
                for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
                    Simd.Fma((Simd.Load(rowX + c) - m) * s, Simd.Load(w + c), Simd.Load(b + c)).Store(rowY + c);
                for (; c < channels; c++)
                    rowY[c] = (rowX[c] - rowMean) * rowRstd * w[c] + b[c];
            }
        });
    }

    /// <summary>
    /// Computes dInput, with the layout of the input, = or +=; null if it is not needed. Returns (chunks, 2, C) in float64. If
    /// <paramref name="needsParameters"/>, its first row holds the sums for dWeight and dBias.
    /// </summary>
    public static unsafe Tensor Backward<T, TPlaces>(
        Tensor dOutput, Tensor input, TPlaces places, Tensor weight, Tensor mean, Tensor rstd, Tensor? dInput, bool accumulate,
        bool needsParameters)
        where T : unmanaged, IFloatingPointIeee754<T> where TPlaces : struct, IRowPlaces
    {
        int channels = weight.Shape.Last, rows = mean.Shape[0];
        int grain = Math.Max(1, ChunkElements / channels), chunks = Ceiling.Divide(rows, grain);
        Tensor scratch = Tensor.Zeros([chunks, 2, channels], dOutput.DType), partials = Tensor.Zeros([chunks, 2, channels], DType.Float64);
        T* x = input.Pointer<T>(), w = weight.Pointer<T>(), dy = dOutput.Pointer<T>(), accumulators = scratch.Pointer<T>();
        T* dx = dInput is null ? null : dInput.Pointer<T>(), means = mean.Pointer<T>(), rstds = rstd.Pointer<T>();
        double* partial = partials.Pointer<double>();
        T inverse = T.One / T.CreateChecked(channels);
        Workers.Run(chunks, chunk =>
        {
            T* dw = accumulators + (long)chunk * 2 * channels, db = dw + channels;
            T* gathered = places.Runs == 1 ? null : Scratch.Rent<T>(ScratchSlot.Row, 2 * channels), gradient = gathered + channels;
            long end = Math.Min(rows, (chunk + 1L) * grain);
            for (long row = (long)chunk * grain; row < end; row++)
            {
                T* rowX = Gather(x, places, row, gathered, channels), rowDy = dy + row * channels;
                T rowMean = means[row], rowRstd = rstds[row];
                if (needsParameters)
                {
                    AddParameterGradients(rowX, rowDy, rowMean, rowRstd, dw, db, channels);
                    if ((row + 1) % ColumnSums.BlockRows == 0 || row + 1 == end)
                        ColumnSums.Flush(dw, partial + (long)chunk * 2 * channels, 2 * channels);
                }
                if (dx == null)
                    continue;
                if (places.Runs == 1)
                {
                    InputGradient(rowX, w, rowDy, rowMean, rowRstd, inverse, dx + places.Start(row, 0), channels, accumulate);
                    continue;
                }
                InputGradient(rowX, w, rowDy, rowMean, rowRstd, inverse, gradient, channels, false);
                Scatter(gradient, places, row, dx, channels, accumulate);
            }
        });
        if (needsParameters)
            TensorMath.ReduceChunks(partial, chunks, 2 * channels);
        GC.KeepAlive(scratch);
        return partials;
    }

    /// <summary>The address of a row if it is one run; otherwise that of its copy in <paramref name="target"/>.</summary>
    private static unsafe T* Gather<T, TPlaces>(T* x, TPlaces places, long row, T* target, int channels)
        where T : unmanaged where TPlaces : struct, IRowPlaces
    {
        if (places.Runs == 1)
            return x + places.Start(row, 0);
        int length = channels / places.Runs;
        for (int run = 0; run < places.Runs; run++)
            new Span<T>(x + places.Start(row, run), length).CopyTo(new Span<T>(target + run * length, length));
        return target;
    }

    private static unsafe void Scatter<T, TPlaces>(T* source, TPlaces places, long row, T* target, int channels, bool accumulate)
        where T : unmanaged, INumber<T> where TPlaces : struct, IRowPlaces
    {
        int length = channels / places.Runs;
        for (int run = 0; run < places.Runs; run++)
        {
            T* from = source + run * length, to = target + places.Start(row, run);
            if (accumulate)
                Simd.Add(from, to, length);
            else
                new Span<T>(from, length).CopyTo(new Span<T>(to, length));
        }
    }

    private static unsafe T Sum<T>(T* x, int n) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Vector<T> a = Vector<T>.Zero, b = Vector<T>.Zero;
        int i = 0;
        for (; i + 2 * Vector<T>.Count <= n; i += 2 * Vector<T>.Count)
        {
            a += Simd.Load(x + i);
            b += Simd.Load(x + i + Vector<T>.Count);
        }
        T sum = Vector.Sum(a + b);
        for (; i < n; i++)
            sum += x[i];
        return sum;
    }

    private static unsafe T SumOfSquaredDeviations<T>(T* x, T mean, int n) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Vector<T> a = Vector<T>.Zero, b = Vector<T>.Zero;
        var m = new Vector<T>(mean);
        int i = 0;
        for (; i + 2 * Vector<T>.Count <= n; i += 2 * Vector<T>.Count)
        {
            Vector<T> d = Simd.Load(x + i) - m, e = Simd.Load(x + i + Vector<T>.Count) - m;
            a = Simd.Fma(d, d, a);
            b = Simd.Fma(e, e, b);
        }
        T sum = Vector.Sum(a + b);
        for (; i < n; i++)
            sum += (x[i] - mean) * (x[i] - mean);
        return sum;
    }

    private static unsafe void AddParameterGradients<T>(T* x, T* dy, T mean, T rstd, T* dw, T* db, int channels)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var m = new Vector<T>(mean);
        var s = new Vector<T>(rstd);
        int c = 0;
        for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
        {
            Vector<T> gradient = Simd.Load(dy + c);
            Simd.Fma(gradient, (Simd.Load(x + c) - m) * s, Simd.Load(dw + c)).Store(dw + c);
            (Simd.Load(db + c) + gradient).Store(db + c);
        }
        for (; c < channels; c++)
        {
            dw[c] += dy[c] * (x[c] - mean) * rstd;
            db[c] += dy[c];
        }
    }

    private static unsafe void InputGradient<T>(
        T* x, T* w, T* dy, T mean, T rstd, T inverse, T* dx, int channels, bool accumulate) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var m = new Vector<T>(mean);
        var s = new Vector<T>(rstd);
        Vector<T> sums = Vector<T>.Zero, products = Vector<T>.Zero;
        int c = 0;
        for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
        {
            Vector<T> g = Simd.Load(dy + c) * Simd.Load(w + c);
            sums += g;
            products = Simd.Fma(g, (Simd.Load(x + c) - m) * s, products);
        }
        T meanG = Vector.Sum(sums), meanProduct = Vector.Sum(products);
        for (; c < channels; c++)
        {
            T g = dy[c] * w[c];
            meanG += g;
            meanProduct += g * (x[c] - mean) * rstd;
        }
        meanG *= inverse;
        meanProduct *= inverse;
        Vector<T> vectorG = new(meanG), vectorProduct = new(meanProduct);
        for (c = 0; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
        {
            Vector<T> g = Simd.Load(dy + c) * Simd.Load(w + c), xhat = (Simd.Load(x + c) - m) * s;
            Vector<T> value = s * (g - vectorG - xhat * vectorProduct);
            (accumulate ? Simd.Load(dx + c) + value : value).Store(dx + c);
        }
        for (; c < channels; c++)
        {
            T value = rstd * (dy[c] * w[c] - meanG - (x[c] - mean) * rstd * meanProduct);
            dx[c] = accumulate ? dx[c] + value : value;
        }
    }
}
