using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CsUnet.Kernels.Cpu;

/// <summary>Copies between matrices and panels.</summary>
internal static unsafe class Panels
{
    /// <summary>Prefetches a cache line into the L2 cache; any address is allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch1(address);
    }

    /// <summary>Copies one depth block of one row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyBlock<T>(T* source, T* target) where T : unmanaged
    {
        for (int i = 0; i < PanelDepth.Block; i += Vector256<T>.Count)
            Vector256.Load(source + i).Store(target + i);
    }

    /// <summary>Zeros one depth block of one row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ZeroBlock<T>(T* target) where T : unmanaged
    {
        for (int i = 0; i < PanelDepth.Block; i += Vector256<T>.Count)
            Vector256<T>.Zero.Store(target + i);
    }

    /// <summary>target[r][0..width) = source[r][0..count), then zeros. Inlined, so that the length of a full row is a constant.</summary>
    /// <param name="source">First row.</param>
    /// <param name="stride">Elements from one row of the source to the next.</param>
    /// <param name="count">Elements of a row.</param>
    /// <param name="width">Elements of a row of the target.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="target">The panel.</param>
    /// <param name="prefetch">
    /// Whether to prefetch the columns of the next panel. This saves 6 to 11 % of the time of products of 98 rows with weights from memory.
    /// </param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyRows<T>(T* source, nint stride, int count, int width, int rows, T* target, bool prefetch) where T : unmanaged
    {
        if (count == width)
        {
            for (int r = 0; r < rows; r++, source += stride, target += width)
            {
                if (prefetch)
                    for (int offset = 0; offset < width * sizeof(T); offset += 64)
                        Prefetch((byte*)(source + width) + offset);
                Unsafe.CopyBlockUnaligned(target, source, (uint)(width * sizeof(T)));
            }
            return;
        }
        for (int r = 0; r < rows; r++, source += stride, target += width)
        {
            for (int i = 0; i < count; i++)
                target[i] = source[i];
            for (int i = count; i < width; i++)
                target[i] = default;
        }
    }

    /// <summary>target[0..count) = source[offset..offset + count), or zeros if the source is null. Never reads past the source.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyRun<T>(T* source, int offset, T* target, int count) where T : unmanaged
    {
        int vector = Vector256<T>.Count, i = 0;
        if (source == null)
        {
            for (; i + vector <= count; i += vector)
                Vector256<T>.Zero.Store(target + i);
            for (; i < count; i++)
                target[i] = default;
            return;
        }
        source += offset;
        for (; i + vector <= count; i += vector)
            Vector256.Load(source + i).Store(target + i);
        if (i < count && count >= vector)
        {
            // The last vector overlaps the one before.
            Vector256.Load(source + count - vector).Store(target + count - vector);
            return;
        }
        for (; i < count; i++)
            target[i] = source[i];
    }

    /// <summary>target[j][i] = source[i][j] for i below <paramref name="rows"/> and j below <paramref name="columns"/>.</summary>
    public static void Transpose<T>(T* source, nint stride, int rows, int columns, T* target, nint targetStride) where T : unmanaged
    {
        int tile = Vector256<T>.Count;
        int fullRows = Vector256.IsHardwareAccelerated ? rows & -tile : 0, fullColumns = columns & -tile;
        for (int i = 0; i < fullRows; i += tile)
        {
            for (int j = 0; j < fullColumns; j += tile)
            {
                // Prefetch the next rows, at the end those of the next panel. This saves 8 to 11 % of the time of products of 98 rows with
                // weights from memory.
                if (j % PanelDepth.Block == 0)
                    for (int r = 0; r < tile; r++)
                        Prefetch(source + (i + tile + r) * stride + j);
                TransposeTile(source + i * stride + j, stride, target + j * targetStride + i, targetStride);
            }
            for (int j = fullColumns; j < columns; j++)
                for (int r = i; r < i + tile; r++)
                    target[j * targetStride + r] = source[r * stride + j];
        }
        for (int i = fullRows; i < rows; i++)
            for (int j = 0; j < columns; j++)
                target[j * targetStride + i] = source[i * stride + j];
    }

    /// <summary>Transposes a square with the side of one vector in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeTile<T>(T* source, nint stride, T* target, nint targetStride) where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            TransposeEight((float*)source, stride, (float*)target, targetStride);
        else
            TransposeFour((double*)source, stride, (double*)target, targetStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeEight(float* s, nint stride, float* t, nint targetStride)
    {
        // Lanes of 128 bits: the low halves of rows i and i + 4 share a vector. So only shuffles of pairs inside the lanes follow (two
        // steps instead of three).
        Vector256<float> a = Pair(s, s + 4 * stride), b = Pair(s + stride, s + 5 * stride);
        Vector256<float> c = Pair(s + 2 * stride, s + 6 * stride), d = Pair(s + 3 * stride, s + 7 * stride);
        FourColumns(a, b, c, d, t, targetStride);
        s += 4;
        a = Pair(s, s + 4 * stride);
        b = Pair(s + stride, s + 5 * stride);
        c = Pair(s + 2 * stride, s + 6 * stride);
        d = Pair(s + 3 * stride, s + 7 * stride);
        FourColumns(a, b, c, d, t + 4 * targetStride, targetStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(float* low, float* high) => Vector256.Create(Vector128.Load(low), Vector128.Load(high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourColumns(
        Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, float* t, nint stride)
    {
        Vector256<float> abLow = UnpackLow(a, b), abHigh = UnpackHigh(a, b), cdLow = UnpackLow(c, d), cdHigh = UnpackHigh(c, d);
        UnpackLow(abLow.AsDouble(), cdLow.AsDouble()).AsSingle().Store(t);
        UnpackHigh(abLow.AsDouble(), cdLow.AsDouble()).AsSingle().Store(t + stride);
        UnpackLow(abHigh.AsDouble(), cdHigh.AsDouble()).AsSingle().Store(t + 2 * stride);
        UnpackHigh(abHigh.AsDouble(), cdHigh.AsDouble()).AsSingle().Store(t + 3 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeFour(double* s, nint stride, double* t, nint targetStride)
    {
        for (int half = 0; half < 2; half++, s += 2, t += 2 * targetStride)
        {
            Vector256<double> a = Vector256.Create(Vector128.Load(s), Vector128.Load(s + 2 * stride));
            Vector256<double> b = Vector256.Create(Vector128.Load(s + stride), Vector128.Load(s + 3 * stride));
            UnpackLow(a, b).Store(t);
            UnpackHigh(a, b).Store(t + targetStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> UnpackLow(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported
            ? Avx.UnpackLow(a, b)
            : Vector256.Create(a[0], b[0], a[1], b[1], a[4], b[4], a[5], b[5]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> UnpackHigh(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported
            ? Avx.UnpackHigh(a, b)
            : Vector256.Create(a[2], b[2], a[3], b[3], a[6], b[6], a[7], b[7]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> UnpackLow(Vector256<double> a, Vector256<double> b) =>
        Avx.IsSupported
            ? Avx.UnpackLow(a, b)
            : Vector256.Create(a[0], b[0], a[2], b[2]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> UnpackHigh(Vector256<double> a, Vector256<double> b) =>
        Avx.IsSupported
            ? Avx.UnpackHigh(a, b)
            : Vector256.Create(a[1], b[1], a[3], b[3]);
}
