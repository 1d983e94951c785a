using System.Numerics;
using CsUnet.Kernels.Cpu;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Kernels;

[Collection(KernelSettings.Name)]
public sealed unsafe class GemmTests
{
    private static readonly int[] s_sizes = [0, 1, 2, 7, 16, 17, 33, 97];

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    public void Matches_the_loops_for_odd_shapes(bool narrow, int threads)
    {
        using IDisposable settings = KernelSettings.Use(narrow, threads);
        foreach (int m in s_sizes)
            foreach (int n in s_sizes)
                foreach (int k in s_sizes)
                    for (int variant = (m + n + k) % 3; variant < 16; variant += 3)
                    {
                        Compare<float>(m, n, k, variant, 2e-5);
                        Compare<double>(m, n, k, variant, 1e-13);
                    }
    }

    [Theory]
    [InlineData(6272, 40, 24)]
    [InlineData(130, 700, 300)]
    [InlineData(60, 90, 3000)]
    [InlineData(1, 1, 5000)]
    [InlineData(520, 16, 700)]
    public void Matches_the_loops_on_every_split(int m, int n, int k)
    {
        foreach (bool narrow in new[] { false, true })
        {
            using IDisposable settings = KernelSettings.Use(narrow, 2);
            for (int variant = 0; variant < 16; variant += 5)
            {
                Compare<float>(m, n, k, variant, 2e-4);
                Compare<double>(m, n, k, variant, 1e-12);
            }
        }
    }

    [Theory]
    [InlineData(1000, 96, 288, 2)]
    [InlineData(98, 768, 512, 2)]
    [InlineData(96, 288, 6272, 1)]
    [InlineData(250, 130, 70, 0)]
    public void Gives_the_same_bits_on_any_number_of_threads_and_every_time(int m, int n, int k, int variant)
    {
        foreach (bool narrow in new[] { false, true })
        {
            Tensor first;
            using (KernelSettings.Use(narrow, 1))
                first = Product<float>(m, n, k, variant);
            for (int repeat = 0; repeat < 10; repeat++)
                using (KernelSettings.Use(narrow, 2 + repeat % 3))
                    Numbers.AssertSameBits(first, Product<float>(m, n, k, variant), $"({m},{n},{k}) repeat {repeat}");
        }
    }

    private static Tensor Product<T>(int m, int n, int k, int variant) where T : unmanaged, IFloatingPointIeee754<T>
    {
        bool transposeA = (variant & 1) != 0, transposeB = (variant & 2) != 0;
        Tensor a = Numbers.Random([m * k], DTypes.Of<T>(), 1), b = Numbers.Random([k * n], DTypes.Of<T>(), 2);
        Tensor c = Tensor.Full([m, n], double.NaN, DTypes.Of<T>());
        Gemm.Run(transposeA, transposeB, m, n, k, a.Pointer<T>(), transposeA ? m : k, b.Pointer<T>(), transposeB ? k : n,
            c.Pointer<T>(), n);
        Numbers.KeepAlive(a, b);
        return c;
    }

    private static void Compare<T>(int m, int n, int k, int variant, double tolerance) where T : unmanaged, IFloatingPointIeee754<T>
    {
        bool transposeA = (variant & 1) != 0, transposeB = (variant & 2) != 0, accumulate = (variant & 4) != 0,
            withBias = (variant & 8) != 0;
        DType type = DTypes.Of<T>();
        int lda = (transposeA ? m : k) + 3, ldb = (transposeB ? k : n) + 1, ldc = n + 2;
        Tensor a = Numbers.Random([transposeA ? k : m, lda], type, 1), b = Numbers.Random([transposeB ? n : k, ldb], type, 2);
        Tensor bias = Numbers.Random([n], type, 3);
        Tensor expected = accumulate ? Numbers.Random([m, ldc], type, 4) : Tensor.Full([m, ldc], double.NaN, type);
        Tensor actual = expected.Clone();
        T* row = withBias ? bias.Pointer<T>() : null;
        Gemm.Reference(
            transposeA, transposeB, m, n, k, a.Pointer<T>(), lda, b.Pointer<T>(), ldb, expected.Pointer<T>(), ldc, accumulate, row);
        Gemm.Run(transposeA, transposeB, m, n, k, a.Pointer<T>(), lda, b.Pointer<T>(), ldb, actual.Pointer<T>(), ldc, accumulate, row);
        Numbers.KeepAlive(a, b, bias);
        for (int i = 0; i < m; i++)
            for (int j = 0; j < ldc; j++)
            {
                double want = expected[(long)i * ldc + j], got = actual[(long)i * ldc + j];
                bool same = j < n ? Math.Abs(want - got) <= tolerance : want.Equals(got);
                Assert.True(same, $"{type.Label()} ({m},{n},{k}) variant {variant}: {got} at ({i},{j}), expected {want}");
            }
    }
}
