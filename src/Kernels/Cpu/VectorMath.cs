using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// exp, erf and GELU: float by polynomials in vectors, double by scalar functions of full accuracy. The float polynomials are our own
/// interpolations at Chebyshev nodes. NaN stays NaN.
/// </summary>
/// <remarks>
/// GELU needs no erf. With h(x) = exp(-x²/2) · g(|x|), g(x) = erfc(x/√2) exp(x²/2) / 2, the normal distribution is 1 - h for x above 0 and
/// h below. The same exp gives its density, for the derivative.
/// </remarks>
internal static unsafe class VectorMath
{
    private const float Lowest = -87.33654f, Highest = 88.72283f;

    // 1.5 * 2^23: adding it rounds to an integer, which is then in the low bits of the sum.
    private const float Rounder = 12582912f;
    private const float Log2E = 1.44269504f;

    // ln 2 in two parts. The first has so few bits that its product with an exponent is exact.
    private const float Ln2High = 0.693359375f, Ln2Low = -2.12194440e-4f;

    // (e^r - 1 - r) / r² for |r| <= ln(2) / 2; relative error of e^r 6e-9.
    private const float E0 = 0.5f, E1 = 0.16666573423859668f, E2 = 0.041666550162715296f, E3 = 0.008363767023295927f,
        E4 = 0.0013926918056367409f;

    /// <summary>
    /// e^x, within about 1 ulp. Results below the normal range become the smallest normal number, results above the range the largest
    /// number.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Exp(Vector<float> x)
    {
        x = Vector.MinNative(new Vector<float>(Highest), Vector.MaxNative(new Vector<float>(Lowest), x));
        Vector<float> shifted = Simd.Fma(x, new Vector<float>(Log2E), new Vector<float>(Rounder));
        Vector<float> n = shifted - new Vector<float>(Rounder);
        Vector<float> r = Simd.Fma(n, new Vector<float>(-Ln2High), x);
        r = Simd.Fma(n, new Vector<float>(-Ln2Low), r);
        Vector<float> p = Simd.Fma(new Vector<float>(E4), r, new Vector<float>(E3));
        p = Simd.Fma(p, r, new Vector<float>(E2));
        p = Simd.Fma(p, r, new Vector<float>(E1));
        p = Simd.Fma(p, r, new Vector<float>(E0));
        p = Simd.Fma(p, r * r, r) + Vector<float>.One;
        return Vector.AsVectorSingle(Vector.AsVectorInt32(p) + Vector.ShiftLeft(Vector.AsVectorInt32(shifted), 23));
    }

    /// <inheritdoc cref="Exp(Vector{float})" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        x = Vector512.MinNative(Vector512.Create(Highest), Vector512.MaxNative(Vector512.Create(Lowest), x));
        Vector512<float> shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(Log2E), Vector512.Create(Rounder));
        Vector512<float> n = shifted - Vector512.Create(Rounder);
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2High), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2Low), r);
        Vector512<float> p = Vector512.FusedMultiplyAdd(Vector512.Create(E4), r, Vector512.Create(E3));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(E2));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(E1));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(E0));
        p = Vector512.FusedMultiplyAdd(p, r * r, r) + Vector512<float>.One;
        return (p.AsInt32() + Vector512.ShiftLeft(shifted.AsInt32(), 23)).AsSingle();
    }

    /// <summary>e^x of every element; double as accurate as Math.Exp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Exp<T>(Vector<T> x) where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            return Exp(x.As<T, float>()).As<float, T>();
        double* lanes = stackalloc double[Vector<double>.Count];
        x.As<T, double>().Store(lanes);
        for (int i = 0; i < Vector<double>.Count; i++)
            lanes[i] = Math.Exp(lanes[i]);
        return Simd.Load(lanes).As<double, T>();
    }

    /// <summary>
    /// y = e^x over n elements, on the calling thread; x and y may be the same. Uses 512-bit vectors if <paramref name="wide"/>.
    /// </summary>
    public static void Exp<T>(T* x, T* y, long n, bool wide) where T : unmanaged
    {
        if (typeof(T) == typeof(double))
        {
            for (long j = 0; j < n; j++)
                ((double*)y)[j] = Math.Exp(((double*)x)[j]);
            return;
        }
        float* source = (float*)x, target = (float*)y;
        long i = 0;
        if (wide)
            for (; i + Vector512<float>.Count <= n; i += Vector512<float>.Count)
                Exp(Vector512.Load(source + i)).Store(target + i);
        for (; i + Vector<float>.Count <= n; i += Vector<float>.Count)
            Exp(Simd.Load(source + i)).Store(target + i);
        if (i < n)
            Exp(Simd.LoadPart(source + i, n - i)).StorePart(target + i, n - i);
    }

    /// <summary>erf(x): absolute error at most 1.5e-7, relative error about 1e-7 near 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Erf(Vector<float> x)
    {
        Vector<float> s = x * x;
        // erf(x) / x for |x| <= 0.75, in powers of x²; relative error 3e-9.
        Vector<float> p = Simd.Fma(new Vector<float>(-0.0006756479562095148f), s, new Vector<float>(0.005115332111547258f));
        p = Simd.Fma(p, s, new Vector<float>(-0.026835114568073096f));
        p = Simd.Fma(p, s, new Vector<float>(0.1128338653840176f));
        p = Simd.Fma(p, s, new Vector<float>(-0.3761261946943646f));
        p = Simd.Fma(p, s, new Vector<float>(1.1283791655787514f));
        Vector<float> size = Vector.Abs(x);
        Vector<float> far = Vector.CopySign(
            Vector<float>.One - new Vector<float>(2f) * Exp(-s) * ScaledTail(size * new Vector<float>(1.41421356f)), x);
        return Vector.ConditionalSelect(Vector.LessThanOrEqual(size, new Vector<float>(0.75f)), p * x, far);
    }

    /// <summary>GELU, x Φ(x), with Φ the normal distribution: error at most 1.5e-7 of max(1, |x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Gelu(Vector<float> x)
    {
        Vector<float> size = Vector.Abs(x);
        Vector<float> tail = Exp(x * x * new Vector<float>(-0.5f)) * ScaledTail(size);
        return Simd.Fma(-size, tail, Vector.MaxNative(Vector<float>.Zero, x));
    }

    /// <summary>The derivative of GELU, Φ(x) + x φ(x), with φ the normal density.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> GeluDerivative(Vector<float> x)
    {
        Vector<float> e = Exp(x * x * new Vector<float>(-0.5f));
        Vector<float> tail = e * ScaledTail(Vector.Abs(x));
        Vector<float> distribution = Vector.ConditionalSelect(
            Vector.LessThan(x, Vector<float>.Zero), tail, Vector<float>.One - tail);
        return Simd.Fma(x * new Vector<float>(0.39894228f), e, distribution);
    }

    /// <summary>GELU of every element; double by the scalar function.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Gelu<T>(Vector<T> x) where T : unmanaged =>
        typeof(T) == typeof(float) ? Gelu(x.As<T, float>()).As<float, T>() : EachDouble(x, &Gelu);

    /// <summary>The derivative of GELU of every element; double by the scalar function.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> GeluDerivative<T>(Vector<T> x) where T : unmanaged =>
        typeof(T) == typeof(float) ? GeluDerivative(x.As<T, float>()).As<float, T>() : EachDouble(x, &GeluDerivative);

    private static Vector<T> EachDouble<T>(Vector<T> x, delegate*<double, double> function) where T : unmanaged
    {
        double* lanes = stackalloc double[Vector<double>.Count];
        x.As<T, double>().Store(lanes);
        for (int i = 0; i < Vector<double>.Count; i++)
            lanes[i] = function(lanes[i]);
        return Simd.Load(lanes).As<double, T>();
    }

    /// <summary>
    /// erfc(x/√2) exp(x²/2) / 2 for x at least 0: t times a polynomial in t = 1 / (1 + 0.35 x); relative error 4e-8 below 13.5.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> ScaledTail(Vector<float> x)
    {
        Vector<float> t = Vector<float>.One / Simd.Fma(x, new Vector<float>(0.35f), Vector<float>.One);
        Vector<float> p = Simd.Fma(new Vector<float>(-0.029609795496907964f), t, new Vector<float>(0.1462242065267149f));
        p = Simd.Fma(p, t, new Vector<float>(-0.26033790540702273f));
        p = Simd.Fma(p, t, new Vector<float>(0.16439173552933642f));
        p = Simd.Fma(p, t, new Vector<float>(-0.026633097957020062f));
        p = Simd.Fma(p, t, new Vector<float>(0.10695824037266338f));
        p = Simd.Fma(p, t, new Vector<float>(0.11947943268394387f));
        p = Simd.Fma(p, t, new Vector<float>(0.13990826499816547f));
        p = Simd.Fma(p, t, new Vector<float>(0.13961890197154317f));
        return p * t;
    }

    /// <summary>y = GELU(x) over n elements, on the calling thread.</summary>
    public static void Gelu<T>(T* x, T* y, long n) where T : unmanaged
    {
        if (typeof(T) == typeof(double))
        {
            for (long j = 0; j < n; j++)
                ((double*)y)[j] = Gelu(((double*)x)[j]);
            return;
        }
        float* source = (float*)x, target = (float*)y;
        long i = 0;
        for (; i + Vector<float>.Count <= n; i += Vector<float>.Count)
            Gelu(Simd.Load(source + i)).Store(target + i);
        if (i < n)
            Gelu(Simd.LoadPart(source + i, n - i)).StorePart(target + i, n - i);
    }

    /// <summary>dx = [dx +] dy GELU'(x) over n elements, on the calling thread.</summary>
    public static void GeluBackward<T>(T* x, T* dy, T* dx, long n, bool accumulate) where T : unmanaged
    {
        if (typeof(T) == typeof(double))
        {
            double* input = (double*)x, gradient = (double*)dy, result = (double*)dx;
            for (long j = 0; j < n; j++)
                result[j] = (accumulate ? result[j] : 0) + gradient[j] * GeluDerivative(input[j]);
            return;
        }
        float* source = (float*)x, upstream = (float*)dy, target = (float*)dx;
        for (long i = 0; i < n; i += Vector<float>.Count)
        {
            long count = Math.Min(Vector<float>.Count, n - i);
            Vector<float> value = GeluDerivative(Simd.LoadPart(source + i, count)) * Simd.LoadPart(upstream + i, count);
            (accumulate ? value + Simd.LoadPart(target + i, count) : value).StorePart(target + i, count);
        }
    }

    /// <summary>GELU in double.</summary>
    public static double Gelu(double x) => 0.5 * x * Erfc(-x * SquareRootHalf);

    /// <summary>The derivative of GELU in double.</summary>
    public static double GeluDerivative(double x) =>
        0.5 * Erfc(-x * SquareRootHalf) + x * Math.Exp(-0.5 * x * x) * 0.39894228040143267794;

    private const double SquareRootHalf = 0.70710678118654752440;

    /// <summary>
    /// erf(x) to double accuracy, by the rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error function",
    /// Math. Comp. 23 (1969).
    /// </summary>
    public static double Erf(double x)
    {
        double size = Math.Abs(x);
        if (size <= 0.46875)
            return x * NearZero(x * x);
        return Math.CopySign(1 - Tail(size), x);
    }

    /// <summary>1 - erf(x) to double accuracy, also where it is small.</summary>
    public static double Erfc(double x)
    {
        double size = Math.Abs(x);
        if (size <= 0.46875)
            return 1 - x * NearZero(x * x);
        return x < 0 ? 2 - Tail(size) : Tail(size);
    }

    private static ReadOnlySpan<double> NearNumerator =>
        [1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3];

    private static ReadOnlySpan<double> NearDenominator =>
        [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3];

    private static ReadOnlySpan<double> MiddleNumerator =>
    [
        2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
        8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
    ];

    private static ReadOnlySpan<double> MiddleDenominator =>
    [
        1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3,
        4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
    ];

    private static ReadOnlySpan<double> FarNumerator =>
    [
        1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2,
        6.58749161529837803e-4,
    ];

    private static ReadOnlySpan<double> FarDenominator =>
        [1, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3];

    /// <summary>erf(x) / x for |x| at most 0.46875.</summary>
    private static double NearZero(double square) => Ratio(NearNumerator, NearDenominator, square);

    /// <summary>erfc(x) for x above 0.46875.</summary>
    private static double Tail(double x)
    {
        if (x > 26.7)
            return 0;
        double scaled;
        if (x <= 4)
        {
            scaled = Ratio(MiddleNumerator, MiddleDenominator, x);
        }
        else
        {
            double inverse = 1 / (x * x);
            scaled = (0.56418958354775628695 - inverse * Ratio(FarNumerator, FarDenominator, inverse)) / x;
        }
        // exp(-x²) in two factors: the square of x rounded to sixteenths is exact.
        double high = Math.Truncate(x * 16) / 16, low = (x - high) * (x + high);
        return Math.Exp(-high * high) * Math.Exp(-low) * scaled;
    }

    private static double Ratio(ReadOnlySpan<double> numerator, ReadOnlySpan<double> denominator, double x)
    {
        double above = 0, below = 0;
        for (int i = 0; i < numerator.Length; i++)
        {
            above = above * x + numerator[i];
            below = below * x + denominator[i];
        }
        return above / below;
    }
}
