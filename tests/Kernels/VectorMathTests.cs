using System.Numerics;
using CsUnet.Kernels;
using CsUnet.Kernels.Cpu;

namespace CsUnet.Tests.Kernels;

[Collection(KernelSettings.Name)]
public sealed unsafe class VectorMathTests
{
    private const int Samples = 200_003;

    [Fact]
    public void Float_exp_is_within_two_ulp_at_both_widths()
    {
        foreach (bool narrow in new[] { false, true })
        {
            using IDisposable settings = KernelSettings.Use(narrow, 1);
            ForEach(-87.3f, 88.7f, (x, y, n) => VectorMath.Exp(x, y, n, VectorWidth.Wide), (x, got) =>
            {
                float nearest = (float)Math.Exp(x);
                Assert.True(Math.Abs(got - Math.Exp(x)) <= 2 * (MathF.BitIncrement(nearest) - nearest), $"exp({x:R}) = {got:R}");
            });
        }
    }

    [Fact]
    public void Float_erf_is_within_3e7() =>
        ForEach(-6, 6, EachVector(VectorMath.Erf), (x, got) =>
            Assert.True(Math.Abs(got - VectorMath.Erf((double)x)) <= 3e-7, $"erf({x:R}) = {got:R}"));

    [Fact]
    public void Float_gelu_and_derivative_match_double()
    {
        ForEach(-20, 20, (x, y, n) => VectorMath.Gelu(x, y, n), (x, got) =>
            Assert.True(Math.Abs(got - VectorMath.Gelu((double)x)) <= 3e-7 * Math.Max(1, Math.Abs(x)), $"gelu({x:R}) = {got:R}"));
        ForEach(-20, 20, EachVector(VectorMath.GeluDerivative), (x, got) =>
            Assert.True(Math.Abs(got - VectorMath.GeluDerivative((double)x)) <= 4e-7, $"gelu'({x:R}) = {got:R}"));
    }

    // Values of erf and erfc to 17 digits, from tables (Abramowitz and Stegun 7.1) and the C library.
    [Theory]
    [InlineData(0.0, 0.0, 1.0)]
    [InlineData(1e-9, 1.1283791670955127e-9, 0.9999999988716208)]
    [InlineData(0.46, 0.4846553900016797, 0.5153446099983203)]
    [InlineData(0.5, 0.5204998778130465, 0.4795001221869535)]
    [InlineData(1.0, 0.8427007929497149, 0.15729920705028513)]
    [InlineData(2.0, 0.9953222650189527, 0.004677734981047266)]
    [InlineData(4.1, 0.9999999932999724, 6.700027654084915e-09)]
    [InlineData(5.5, 0.9999999999999927, 7.357847917974398e-15)]
    public void Double_erf_is_full_accuracy(double x, double erf, double erfc)
    {
        Assert.True(Math.Abs(VectorMath.Erf(x) - erf) <= 2.3e-16, $"erf({x}) = {VectorMath.Erf(x):R}");
        Assert.True(Math.Abs(VectorMath.Erfc(x) / erfc - 1) <= 1e-15, $"erfc({x}) = {VectorMath.Erfc(x):R}");
        Assert.Equal(-VectorMath.Erf(x), VectorMath.Erf(-x));
    }

    [Fact]
    public void Nan_stays_nan_and_lengths_off_the_vector_write_nothing_else()
    {
        for (int n = 0; n < 40; n++)
        {
            float[] x = new float[n + 1], y = new float[n + 1];
            Array.Fill(y, 7);
            if (n > 0)
                x[n - 1] = float.NaN;
            fixed (float* source = x, target = y)
            {
                VectorMath.Exp(source, target, n, VectorWidth.Wide);
                Assert.True(n == 0 || float.IsNaN(y[n - 1]));
                VectorMath.Gelu(source, target, n);
                Assert.True(n == 0 || float.IsNaN(y[n - 1]));
                VectorMath.GeluBackward(source, source, target, n, false);
                Assert.True(n == 0 || float.IsNaN(y[n - 1]));
            }
            Assert.Equal(7, y[n]);
        }
    }

    private delegate void Pass(float* x, float* y, long n);

    private static Pass EachVector(Func<Vector<float>, Vector<float>> function) => (x, y, n) =>
    {
        for (long i = 0; i + Vector<float>.Count <= n; i += Vector<float>.Count)
            Simd.Store(function(Simd.Load(x + i)), y + i);
    };

    private static void ForEach(float low, float high, Pass pass, Action<float, float> check)
    {
        int count = Samples / 16 * 16;
        float[] x = new float[count], y = new float[count];
        for (int i = 0; i < count; i++)
            x[i] = low + (high - low) * i / count;
        fixed (float* source = x, target = y)
            pass(source, target, count);
        for (int i = 0; i < count; i++)
            check(x[i], y[i]);
    }
}
