using CsUnet.Tensors;

namespace CsUnet.Tests;

/// <summary>Tensors of random numbers, element access by several indices, and tensors as text.</summary>
public sealed class RandomTensorTests
{
    [Fact]
    public void Normal_numbers_have_mean_0_and_standard_deviation_1()
    {
        Tensor drawn = Tensor.Normal([200, 500], seed: 1, DType.Float64);
        double[] values = drawn.ToArray<double>();
        Assert.InRange(values.Average(), -0.015, 0.015);
        Assert.InRange(values.Average(value => value * value), 0.98, 1.02);
        // Of 100 000 numbers, 31.7 % are beyond one standard deviation.
        Assert.InRange(values.Count(value => Math.Abs(value) > 1) / 1e5, 0.31, 0.325);
    }

    [Fact]
    public void Uniform_numbers_fill_their_range()
    {
        double[] values = Tensor.Uniform([100_000], seed: 1, low: -2, high: 3, DType.Float64).ToArray<double>();
        Assert.InRange(values.Min(), -2, -1.99);
        Assert.InRange(values.Max(), 2.99, 3);
        Assert.InRange(values.Average(), 0.48, 0.52);
    }

    [Theory]
    [InlineData(DType.UInt8)]
    [InlineData(DType.Int32)]
    [InlineData(DType.Int64)]
    public void Integers_are_all_below_the_bound_and_each_as_likely(DType type)
    {
        Tensor drawn = Tensor.Integers([10_000], below: 10, seed: 2, type);
        Assert.Equal(type, drawn.DType);
        int[] counts = new int[10];
        for (int i = 0; i < drawn.Count; i++)
            counts[(int)drawn[i]]++;
        Assert.All(counts, count => Assert.InRange(count, 880, 1120));
        // The numbers do not depend on the element type.
        Assert.Equal(Tensor.Integers([10_000], below: 10, seed: 2)[77], drawn[77]);
    }

    [Fact]
    public void Numbers_depend_on_the_seed_alone()
    {
        Assert.Equal(Tensor.Normal([3, 5], seed: 4).ToArray<float>(), Tensor.Normal([15], seed: 4).ToArray<float>());
        Assert.NotEqual(Tensor.Normal([15], seed: 4).ToArray<float>(), Tensor.Normal([15], seed: 5).ToArray<float>());
    }

    [Fact]
    public void A_type_that_does_not_hold_the_numbers_is_refused()
    {
        Assert.Contains("Tensor.Normal: type is int64, expected float32", Assert.Throws<ArgumentException>(
            () => Tensor.Normal([2], seed: 1, DType.Int64)).Message);
        Assert.Contains("Tensor.Integers: type is float32, expected int64", Assert.Throws<ArgumentException>(
            () => Tensor.Integers([2], below: 2, seed: 1, DType.Float32)).Message);
        Assert.Contains("expected at most 256 for uint8", Assert.Throws<ArgumentException>(
            () => Tensor.Integers([2], below: 300, seed: 1, DType.UInt8)).Message);
    }

    [Fact]
    public void An_element_is_found_by_one_place_per_dimension()
    {
        Tensor tensor = Tensor.From(Enumerable.Range(0, 24).ToArray(), [2, 3, 4]);
        Assert.Equal(DType.Int32, tensor.DType);
        Assert.Equal(tensor[23], tensor[1, 2, 3]);
        Assert.Equal(12 + 4 + 2, tensor[1, 1, 2]);
        tensor[0, 2, 1] = -7;
        Assert.Equal(-7, tensor[9]);
        Assert.Contains("2 indices, expected 3", Assert.Throws<ArgumentException>(() => tensor[1, 1]).Message);
        Assert.Contains(
            "index 3 of dimension 1, expected 0 to 2", Assert.Throws<ArgumentOutOfRangeException>(() => tensor[1, 3, 0]).Message);
    }

    [Fact]
    public void Item_reads_the_only_element()
    {
        Assert.Equal(2.5, Tensor.Full([1, 1], 2.5).Item());
        Assert.Contains("has 2 elements, expected one", Assert.Throws<InvalidOperationException>(() => Tensor.Zeros([2]).Item()).Message);
    }

    [Fact]
    public void A_matrix_is_written_as_pytorch_writes_it()
    {
        Assert.Equal("[[ 0.5000, -1.0000],\n [ 2.0000,  0.2500]]  float32 (2,2)", Tensor.From([0.5f, -1, 2, 0.25f], [2, 2]).Format());
        Assert.Equal("[1., 2., nan, -inf]  float64 (4)".Replace("1., 2.,", "  1.,   2.,").Replace("nan", " nan"),
            Tensor.From([1, 2, double.NaN, double.NegativeInfinity], [4]).Format());
        Assert.Equal("[1.0000e-06, 2.5000e+00]  float64 (2)", Tensor.From([1e-6, 2.5], [2]).Format());
        Assert.Equal("[[[1],\n  [2]],\n\n [[3],\n  [4]]]  int64 (2,2,1)", Tensor.From([1L, 2, 3, 4], [2, 2, 1]).Format());
        Assert.Equal("7.  float32 ()", Tensor.Full([], 7).Format());
        Assert.Equal("[]  float32 (0)", Tensor.Zeros([0]).Format());
    }

    [Fact]
    public void A_large_tensor_is_written_by_its_edges()
    {
        string text = Tensor.From(Enumerable.Range(0, 2000).ToArray(), [40, 50]).Format();
        string[] lines = text.Split('\n');
        Assert.Equal(7, lines.Length);
        Assert.Equal("[[   0,    1,    2, ...,   47,   48,   49],", lines[0]);
        Assert.Equal(" ...,", lines[3]);
        Assert.Equal(" [1950, 1951, 1952, ..., 1997, 1998, 1999]]  int32 (40,50)", lines[6]);
    }
}
