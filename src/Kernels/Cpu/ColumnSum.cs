using System.Numerics;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>Sums over the rows of a matrix, the gradient of a bias. Bound by memory.</summary>
internal static unsafe class ColumnSum
{
    /// <summary>
    /// sums (columns) = [sums +] sum over rows of x (rows, columns). Up to 16 shares of the rows are summed apart, then added in order.
    /// </summary>
    public static void Run<T>(int rows, int columns, T* x, T* sums, bool accumulate) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int shares = (int)Math.Clamp((long)rows * columns / Simd.Grain, 1, Math.Min(16, Math.Max(1, rows)));
        nint stride = (columns + 15) & -16;
        T* partials = Scratch.Rent<T>(ScratchSlot.Partials, shares * stride);
        Workers.Run(shares, share =>
        {
            T* partial = partials + share * stride;
            new Span<T>(partial, columns).Clear();
            int row = BlockedProduct.Part(rows, share, shares), end = BlockedProduct.Part(rows, share + 1, shares);
            // Four rows at a time: one load and store of the sum for four of x.
            for (; row + 4 <= end; row += 4)
                AddFour(x + (nint)row * columns, columns, partial);
            for (; row < end; row++)
                Simd.Add(x + (nint)row * columns, partial, columns);
        });
        for (int share = 1; share < shares; share++)
            Simd.Add(partials + share * stride, partials, columns);
        if (accumulate)
            Simd.Add(partials, sums, columns);
        else
            new Span<T>(partials, columns).CopyTo(new Span<T>(sums, columns));
    }

    private static void AddFour<T>(T* x, int columns, T* sum) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x1 = x + columns, x2 = x1 + columns, x3 = x2 + columns;
        int j = 0;
        for (; j + Vector<T>.Count <= columns; j += Vector<T>.Count)
            (Simd.Load(sum + j) + ((Simd.Load(x + j) + Simd.Load(x1 + j)) + (Simd.Load(x2 + j) + Simd.Load(x3 + j)))).Store(sum + j);
        for (; j < columns; j++)
            sum[j] += (x[j] + x1[j]) + (x2[j] + x3[j]);
    }
}
