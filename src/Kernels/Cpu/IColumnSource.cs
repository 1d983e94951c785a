using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CsUnet.Kernels.Cpu;

/// <summary>The right operand of a product, explicit or implicit, which can write panels of itself.</summary>
internal unsafe interface IColumnSource<T> where T : unmanaged
{
    /// <summary>
    /// Writes panel[k][column] of columns [column, column + count), zero from count on, and depths [depth, depth + length).
    /// </summary>
    void Pack<TKernel>(int column, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel;
}
