using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Passes over one row of attention scores, padded to whole pairs of vectors. The padding holds negligible exponentials and zero gradients,
/// so no pass needs a scalar tail. The vectors are those of the micro-kernel.
/// </summary>
internal static unsafe class ScorePasses<T, TKernel> where T : unmanaged, IFloatingPointIeee754<T> where TKernel : struct, IMicroKernel
{
    private static bool Wide => typeof(TKernel) == typeof(Kernel512);

    /// <summary>row = row + bias - maximum of the row.</summary>
    public static void SubtractMaximum(T* row, T* bias, nint count)
    {
        if (Wide)
        {
            Vector512<T> largest = Vector512.Load(row) + Vector512.Load(bias);
            largest.Store(row);
            for (nint j = Vector512<T>.Count; j < count; j += Vector512<T>.Count)
            {
                Vector512<T> value = Vector512.Load(row + j) + Vector512.Load(bias + j);
                value.Store(row + j);
                largest = Vector512.MaxNative(largest, value);
            }
            Vector512<T> maximum = Vector512.Create(Maximum(Vector256.MaxNative(largest.GetLower(), largest.GetUpper())));
            for (nint j = 0; j < count; j += Vector512<T>.Count)
                (Vector512.Load(row + j) - maximum).Store(row + j);
        }
        else
        {
            Vector256<T> largest = Vector256.Load(row) + Vector256.Load(bias);
            largest.Store(row);
            for (nint j = Vector256<T>.Count; j < count; j += Vector256<T>.Count)
            {
                Vector256<T> value = Vector256.Load(row + j) + Vector256.Load(bias + j);
                value.Store(row + j);
                largest = Vector256.MaxNative(largest, value);
            }
            Vector256<T> maximum = Vector256.Create(Maximum(largest));
            for (nint j = 0; j < count; j += Vector256<T>.Count)
                (Vector256.Load(row + j) - maximum).Store(row + j);
        }
    }

    /// <summary>Sum of the row.</summary>
    public static T Sum(T* row, nint count)
    {
        if (Wide)
        {
            Vector512<T> sum = Vector512<T>.Zero;
            for (nint j = 0; j < count; j += Vector512<T>.Count)
                sum += Vector512.Load(row + j);
            return Vector512.Sum(sum);
        }
        Vector256<T> half = Vector256<T>.Zero;
        for (nint j = 0; j < count; j += Vector256<T>.Count)
            half += Vector256.Load(row + j);
        return Vector256.Sum(half);
    }

    /// <summary>row = row * factor.</summary>
    public static void Scale(T* row, T factor, nint count)
    {
        for (nint j = 0; j < count; j += Vector256<T>.Count)
            (Vector256.Load(row + j) * factor).Store(row + j);
    }

    /// <summary>dScores = p ∘ (dP - Σ p ∘ dP) replaces dP, and is added to the bias's gradient unless that is null.</summary>
    public static void SoftmaxBackward(T* p, T* dP, T* dBias, nint count)
    {
        if (Wide)
        {
            Vector512<T> sum = Vector512<T>.Zero;
            for (nint j = 0; j < count; j += Vector512<T>.Count)
                sum += Vector512.Load(p + j) * Vector512.Load(dP + j);
            Vector512<T> mean = Vector512.Create(Vector512.Sum(sum));
            for (nint j = 0; j < count; j += Vector512<T>.Count)
            {
                Vector512<T> gradient = Vector512.Load(p + j) * (Vector512.Load(dP + j) - mean);
                gradient.Store(dP + j);
                if (dBias != null)
                    (Vector512.Load(dBias + j) + gradient).Store(dBias + j);
            }
        }
        else
        {
            Vector256<T> sum = Vector256<T>.Zero;
            for (nint j = 0; j < count; j += Vector256<T>.Count)
                sum += Vector256.Load(p + j) * Vector256.Load(dP + j);
            Vector256<T> mean = Vector256.Create(Vector256.Sum(sum));
            for (nint j = 0; j < count; j += Vector256<T>.Count)
            {
                Vector256<T> gradient = Vector256.Load(p + j) * (Vector256.Load(dP + j) - mean);
                gradient.Store(dP + j);
                if (dBias != null)
                    (Vector256.Load(dBias + j) + gradient).Store(dBias + j);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Maximum(Vector256<T> x)
    {
        Vector128<T> half = Vector128.MaxNative(x.GetLower(), x.GetUpper());
        T maximum = half[0];
        for (int lane = 1; lane < Vector128<T>.Count; lane++)
            maximum = T.MaxNative(maximum, half[lane]);
        return maximum;
    }
}
