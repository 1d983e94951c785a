using System.Numerics;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Layer normalisation of rows as plain loops, the reference implementation; <see cref="LayerNorm"/> documents the formulas.
/// </summary>
internal static unsafe class RowNormReference
{
    /// <summary>Computes output (rows, C), mean and rstd (rows) from an input with rows at <paramref name="places"/>.</summary>
    public static void Forward<T, TPlaces>(
        Tensor input, TPlaces places, Tensor weight, Tensor bias, double epsilon, Tensor output, Tensor mean, Tensor rstd)
        where T : unmanaged, IFloatingPointIeee754<T> where TPlaces : struct, IRowPlaces
    {
        T* x = input.Pointer<T>(), w = weight.Pointer<T>(), b = bias.Pointer<T>(), y = output.Pointer<T>();
        T* means = mean.Pointer<T>(), rstds = rstd.Pointer<T>();
        int channels = output.Shape.Last;
        T count = T.CreateChecked(channels), eps = T.CreateChecked(epsilon);
        for (long row = 0; row < output.Shape.Rows; row++)
        {
            T sum = T.Zero, squares = T.Zero;
            for (int c = 0; c < channels; c++)
                sum += x[Place(places, row, c, channels)];
            means[row] = sum / count;
            for (int c = 0; c < channels; c++)
            {
                T deviation = x[Place(places, row, c, channels)] - means[row];
                squares += deviation * deviation;
            }
            rstds[row] = T.One / T.Sqrt(squares / count + eps);
            for (int c = 0; c < channels; c++)
                y[row * channels + c] = (x[Place(places, row, c, channels)] - means[row]) * rstds[row] * w[c] + b[c];
        }
    }

    /// <summary>
    /// Computes dInput, with the layout of the input, = or +=; null if it is not needed. Returns (1, 2, C) in float64: the sums for dWeight
    /// and dBias.
    /// </summary>
    public static Tensor Backward<T, TPlaces>(
        Tensor dOutput, Tensor input, TPlaces places, Tensor weight, Tensor mean, Tensor rstd, Tensor? dInput, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T> where TPlaces : struct, IRowPlaces
    {
        int channels = weight.Shape.Last;
        T* x = input.Pointer<T>(), w = weight.Pointer<T>(), dy = dOutput.Pointer<T>(), dx = dInput is null ? null : dInput.Pointer<T>();
        T* means = mean.Pointer<T>(), rstds = rstd.Pointer<T>();
        Tensor sums = Tensor.Zeros([1, 2, channels], DType.Float64);
        double* dw = sums.Pointer<double>(), db = dw + channels;
        T count = T.CreateChecked(channels);
        for (long row = 0; row < mean.Shape[0]; row++)
        {
            T meanG = T.Zero, meanProduct = T.Zero;
            for (int c = 0; c < channels; c++)
            {
                T gradient = dy[row * channels + c], g = gradient * w[c];
                T xhat = (x[Place(places, row, c, channels)] - means[row]) * rstds[row];
                dw[c] += double.CreateChecked(gradient * xhat);
                db[c] += double.CreateChecked(gradient);
                meanG += g / count;
                meanProduct += g * xhat / count;
            }
            if (dx == null)
                continue;
            for (int c = 0; c < channels; c++)
            {
                long at = Place(places, row, c, channels);
                T g = dy[row * channels + c] * w[c], xhat = (x[at] - means[row]) * rstds[row];
                T value = rstds[row] * (g - meanG - xhat * meanProduct);
                dx[at] = accumulate ? dx[at] + value : value;
            }
        }
        return sums;
    }

    /// <summary>The index of the input's element that is channel c of a row.</summary>
    private static long Place<TPlaces>(TPlaces places, long row, int c, int channels) where TPlaces : struct, IRowPlaces
    {
        int length = channels / places.Runs;
        return places.Start(row, c / length) + c % length;
    }
}
