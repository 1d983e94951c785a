using System.Numerics;
using System.Runtime.CompilerServices;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace CsUnet.Kernels;

/// <summary>Vector arithmetic shared by the kernels, for float and double, with the width of <see cref="Vector{T}"/>.</summary>
internal static unsafe class Simd
{
    /// <summary>
    /// Elements per chunk of an elementwise loop: 64 KiB of float, so that a chunk of a few operands stays in the L2 cache.
    /// </summary>
    public const int Grain = 16384;

    /// <summary>a * b + c, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Fma<T>(Vector<T> a, Vector<T> b, Vector<T> c) where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            return Vector.FusedMultiplyAdd(a.As<T, float>(), b.As<T, float>(), c.As<T, float>()).As<float, T>();
        return Vector.FusedMultiplyAdd(a.As<T, double>(), b.As<T, double>(), c.As<T, double>()).As<double, T>();
    }

    /// <summary>The vector at an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Load<T>(T* address) where T : unmanaged => Unsafe.ReadUnaligned<Vector<T>>(address);

    /// <summary>Stores a vector at an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(this Vector<T> value, T* address) where T : unmanaged => Unsafe.WriteUnaligned(address, value);

    /// <summary>Loads the first <paramref name="count"/> elements of a vector, at most its length; the others are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> LoadPart<T>(T* address, long count) where T : unmanaged
    {
        if (count >= Vector<T>.Count)
            return Load(address);
        T* lanes = stackalloc T[Vector<T>.Count];
        for (int i = 0; i < Vector<T>.Count; i++)
            lanes[i] = i < count ? address[i] : default;
        return Load(lanes);
    }

    /// <summary>Stores the first <paramref name="count"/> elements of a vector, at most its length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart<T>(this Vector<T> value, T* address, long count) where T : unmanaged
    {
        if (count >= Vector<T>.Count)
        {
            value.Store(address);
            return;
        }
        for (int i = 0; i < count; i++)
            address[i] = value[i];
    }

    /// <summary>The elements at an address.</summary>
    public static Span<T> Span<T>(T* address, long count) where T : unmanaged => new(address, checked((int)count));

    /// <summary>y += x over n elements, on the calling thread.</summary>
    public static void Add<T>(T* x, T* y, long n) where T : unmanaged, INumber<T> =>
        TensorPrimitives.Add(Span(y, n), Span(x, n), Span(y, n));

    /// <summary>y = factor * x over n elements, on the calling thread; exactly 0 where the factor is 0.</summary>
    public static void Scale<T>(T* x, T factor, T* y, long n) where T : unmanaged, INumber<T>
    {
        if (factor == T.Zero)
            Span(y, n).Clear();
        else
            TensorPrimitives.Multiply(Span(x, n), factor, Span(y, n));
    }

    /// <summary>y += x over n elements, on all threads.</summary>
    public static void AddParallel<T>(T* x, T* y, long n) where T : unmanaged, INumber<T> =>
        Tensors.Workers.Split(n, Grain, (start, end) => Add(x + start, y + start, end - start));
}
