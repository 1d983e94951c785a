using System.Numerics;

namespace CsUnet.Kernels.Cpu;

/// <summary>How to compute a call's matrix products; the default value is the usual way.</summary>
/// <param name="IsReference">With plain loops on one thread.</param>
/// <param name="IsNarrow">With 256-bit vectors, even if the machine has wider ones.</param>
internal readonly record struct CpuProduct(bool IsReference, bool IsNarrow)
{
    /// <summary>The variants of an operator that is a matrix product.</summary>
    public static IReadOnlyList<KernelVariant> Variants { get; } =
        CpuVariants.Of(CpuVariants.Blocked, "packed panels that stay in the caches, tiles of the result in registers",
            choosesVectors: true);

    /// <summary>The way that a call's choice asks for.</summary>
    /// <exception cref="VariantNotTakenException">The choice asks for vectors that this machine does not have.</exception>
    public static CpuProduct Of(OperatorCall call) =>
        CpuVariants.IsReference(call) ? new(true, false) : new(false, CpuVariants.IsNarrow(call));

    /// <inheritdoc cref="Gemm.Run" />
    public unsafe void Run<T>(
        bool transposeA, bool transposeB, int m, int n, int k, T* a, int lda, T* b, int ldb, T* c, int ldc,
        bool accumulate = false, T* bias = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (IsReference)
            Gemm.Reference(transposeA, transposeB, m, n, k, a, lda, b, ldb, c, ldc, accumulate, bias);
        else
            Gemm.Run(transposeA, transposeB, m, n, k, a, lda, b, ldb, c, ldc, accumulate, bias, IsNarrow);
    }

    /// <inheritdoc cref="ColumnSums.Run" />
    public unsafe void SumColumns<T>(int rows, int channels, T* x, T* sums, bool accumulate) where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (IsReference)
            ColumnSums.Reference(rows, channels, x, sums, accumulate);
        else
            ColumnSums.Run(rows, channels, x, sums, accumulate);
    }
}
