using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// The micro-kernel for 512-bit vectors: a tile of 14 rows and 2 vectors (32 floats) of columns. Its 28 sums, two vectors of the right
/// operand and one broadcast take 31 of the 32 registers, and 14 divides the rows of every Swin stage at 224 (6272, 1568, 392, 98).
/// </summary>
internal readonly unsafe struct Kernel512 : IMicroKernel
{
    /// <inheritdoc />
    public static int Rows => 14;

    /// <inheritdoc />
    public static int Columns<T>() where T : unmanaged => 2 * Vector512<T>.Count;

    /// <inheritdoc />
    public static void Multiply<T, TLayout>(int depth, T* a, T* b, T* c, nint ldc, bool accumulate, T* bias)
        where T : unmanaged
        where TLayout : struct, IPanelLayout
    {
        Vector512<T> c0l = default, c0r = default, c1l = default, c1r = default, c2l = default, c2r = default, c3l = default, c3r = default,
            c4l = default, c4r = default, c5l = default, c5r = default, c6l = default, c6r = default;
        Vector512<T> c7l = default, c7r = default, c8l = default, c8r = default, c9l = default, c9r = default, cal = default, car = default,
            cbl = default, cbr = default, ccl = default, ccr = default, cdl = default, cdr = default;
        nint row = TLayout.Interleaved ? 1 : PanelDepth.Block;
        nint step = TLayout.Interleaved ? 14 : 1;
        while (depth > 0)
        {
            int block = TLayout.Interleaved ? depth : Math.Min(depth, PanelDepth.Block);
            depth -= block;
            for (T* end = b + (nint)block * 2 * Vector512<T>.Count; b != end; b += 2 * Vector512<T>.Count, a += step)
            {
                Vector512<T> left = Vector512.Load(b), right = Vector512.Load(b + 1 * Vector512<T>.Count);
                Vector512<T> x = Vector512.Create(a[0]);
                c0l = Fma(x, left, c0l);
                c0r = Fma(x, right, c0r);
                x = Vector512.Create(a[row]);
                c1l = Fma(x, left, c1l);
                c1r = Fma(x, right, c1r);
                x = Vector512.Create(a[2 * row]);
                c2l = Fma(x, left, c2l);
                c2r = Fma(x, right, c2r);
                x = Vector512.Create(a[3 * row]);
                c3l = Fma(x, left, c3l);
                c3r = Fma(x, right, c3r);
                x = Vector512.Create(a[4 * row]);
                c4l = Fma(x, left, c4l);
                c4r = Fma(x, right, c4r);
                x = Vector512.Create(a[5 * row]);
                c5l = Fma(x, left, c5l);
                c5r = Fma(x, right, c5r);
                x = Vector512.Create(a[6 * row]);
                c6l = Fma(x, left, c6l);
                c6r = Fma(x, right, c6r);
                x = Vector512.Create(a[7 * row]);
                c7l = Fma(x, left, c7l);
                c7r = Fma(x, right, c7r);
                x = Vector512.Create(a[8 * row]);
                c8l = Fma(x, left, c8l);
                c8r = Fma(x, right, c8r);
                x = Vector512.Create(a[9 * row]);
                c9l = Fma(x, left, c9l);
                c9r = Fma(x, right, c9r);
                x = Vector512.Create(a[10 * row]);
                cal = Fma(x, left, cal);
                car = Fma(x, right, car);
                x = Vector512.Create(a[11 * row]);
                cbl = Fma(x, left, cbl);
                cbr = Fma(x, right, cbr);
                x = Vector512.Create(a[12 * row]);
                ccl = Fma(x, left, ccl);
                ccr = Fma(x, right, ccr);
                x = Vector512.Create(a[13 * row]);
                cdl = Fma(x, left, cdl);
                cdr = Fma(x, right, cdr);
            }
            if (!TLayout.Interleaved)
                a += (14 - 1) * PanelDepth.Block;
        }
        if (bias != null)
        {
            Vector512<T> left = Vector512.Load(bias), right = Vector512.Load(bias + Vector512<T>.Count);
            c0l += left;
            c0r += right;
            c1l += left;
            c1r += right;
            c2l += left;
            c2r += right;
            c3l += left;
            c3r += right;
            c4l += left;
            c4r += right;
            c5l += left;
            c5r += right;
            c6l += left;
            c6r += right;
            c7l += left;
            c7r += right;
            c8l += left;
            c8r += right;
            c9l += left;
            c9r += right;
            cal += left;
            car += right;
            cbl += left;
            cbr += right;
            ccl += left;
            ccr += right;
            cdl += left;
            cdr += right;
        }
        Write(c, c0l, c0r, accumulate);
        Write(c + ldc, c1l, c1r, accumulate);
        Write(c + 2 * ldc, c2l, c2r, accumulate);
        Write(c + 3 * ldc, c3l, c3r, accumulate);
        Write(c + 4 * ldc, c4l, c4r, accumulate);
        Write(c + 5 * ldc, c5l, c5r, accumulate);
        Write(c + 6 * ldc, c6l, c6r, accumulate);
        Write(c + 7 * ldc, c7l, c7r, accumulate);
        Write(c + 8 * ldc, c8l, c8r, accumulate);
        Write(c + 9 * ldc, c9l, c9r, accumulate);
        Write(c + 10 * ldc, cal, car, accumulate);
        Write(c + 11 * ldc, cbl, cbr, accumulate);
        Write(c + 12 * ldc, ccl, ccr, accumulate);
        Write(c + 13 * ldc, cdl, cdr, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Fma<T>(Vector512<T> x, Vector512<T> y, Vector512<T> sum) where T : unmanaged =>
        typeof(T) == typeof(float)
            ? Vector512.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), sum.AsSingle()).As<float, T>()
            : Vector512.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), sum.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write<T>(T* c, Vector512<T> left, Vector512<T> right, bool accumulate) where T : unmanaged
    {
        if (accumulate)
        {
            left += Vector512.Load(c);
            right += Vector512.Load(c + Vector512<T>.Count);
        }
        left.Store(c);
        right.Store(c + Vector512<T>.Count);
    }
}
