using System.Numerics;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Matrix products of row-major matrices on the CPU: C (m,n) = op(A) (m,k) · op(B) (k,n) [+ C] [+ bias (n) to every row], in float or
/// double. Blocked and packed, on all threads; the result does not depend on their number. Compute-bound.
/// </summary>
public static unsafe class Gemm
{
    /// <summary>Computes the product.</summary>
    /// <param name="transposeA">Whether <paramref name="a"/> holds A as (k,m) instead of (m,k).</param>
    /// <param name="transposeB">Whether <paramref name="b"/> holds B as (n,k) instead of (k,n).</param>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Terms of every sum; 0 makes C the bias, or leaves C as it is when accumulating.</param>
    /// <param name="a">Left operand.</param>
    /// <param name="lda">Elements from one row of <paramref name="a"/> to the next.</param>
    /// <param name="b">Right operand.</param>
    /// <param name="ldb">Elements from one row of <paramref name="b"/> to the next.</param>
    /// <param name="c">Result; must not overlap the operands.</param>
    /// <param name="ldc">Elements from one row of <paramref name="c"/> to the next.</param>
    /// <param name="accumulate">Whether to add the product to <paramref name="c"/>.</param>
    /// <param name="bias">A row of n numbers that is added to every row, or null.</param>
    /// <param name="narrow">Whether to use 256-bit vectors, even if the machine has wider ones.</param>
    public static void Run<T>(
        bool transposeA, bool transposeB, int m, int n, int k, T* a, int lda, T* b, int ldb, T* c, int ldc,
        bool accumulate = false, T* bias = null, bool narrow = false)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (transposeA)
            WithRows<T, InterleavedLayout, ColumnMajorRows<T>>(new(a, lda), transposeB, m, n, k, b, ldb, c, ldc, accumulate, bias, narrow);
        else
            WithRows<T, BlockedLayout, RowMajorRows<T>>(new(a, lda), transposeB, m, n, k, b, ldb, c, ldc, accumulate, bias, narrow);
    }

    private static void WithRows<T, TLayout, TA>(
        TA a, bool transposeB, int m, int n, int k, T* b, int ldb, T* c, int ldc, bool accumulate, T* bias, bool narrow)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TLayout : struct, IPanelLayout
        where TA : struct, IRowSource<T, TLayout>
    {
        var target = new RowMajorTarget<T>(c, ldc);
        if (transposeB)
            BlockedProduct.Run<T, TLayout, TA, ColumnMajorColumns<T>, RowMajorTarget<T>>(
                m, n, k, a, new(b, ldb), target, accumulate, bias, narrow);
        else
            BlockedProduct.Run<T, TLayout, TA, RowMajorColumns<T>, RowMajorTarget<T>>(
                m, n, k, a, new(b, ldb), target, accumulate, bias, narrow);
    }

    /// <summary>The reference implementation of <see cref="Run"/>: three plain loops.</summary>
    /// <inheritdoc cref="Run" />
    public static void Reference<T>(
        bool transposeA, bool transposeB, int m, int n, int k, T* a, int lda, T* b, int ldb, T* c, int ldc,
        bool accumulate = false, T* bias = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (nint i = 0; i < m; i++)
            for (nint j = 0; j < n; j++)
            {
                T sum = T.Zero;
                for (nint p = 0; p < k; p++)
                    sum += (transposeA ? a[p * lda + i] : a[i * lda + p]) * (transposeB ? b[j * ldb + p] : b[p * ldb + j]);
                if (bias != null)
                    sum += bias[j];
                c[i * ldc + j] = accumulate ? c[i * ldc + j] + sum : sum;
            }
    }
}
