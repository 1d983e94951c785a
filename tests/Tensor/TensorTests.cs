using CsUnet.Tensors;

namespace CsUnet.Tests;

public sealed class TensorTests
{
    [Fact]
    public void A_shape_knows_its_sizes()
    {
        Shape shape = [2, 3, 4];
        Assert.Equal((3, 24L, 4, 6), (shape.Rank, shape.Count, shape.Last, shape.Rows));
        Assert.Equal("(2,3,4)", shape.ToString());
        Assert.Equal(shape, new Shape(2, 3, 4));
        Assert.NotEqual(shape, new Shape(3, 2, 4));
        Assert.Equal(new Shape(2, 3, 7), shape.WithLast(7));
        Assert.Equal((0, 1L, 1), (Shape.Scalar.Rank, Shape.Scalar.Count, Shape.Scalar.Last));
    }

    [Fact]
    public void A_shape_refuses_negative_and_absurd_sizes()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Shape(2, -1));
        Assert.Throws<OverflowException>(() => new Shape(int.MaxValue, int.MaxValue, int.MaxValue));
    }

    [Theory]
    [InlineData(DType.Float32, 4)]
    [InlineData(DType.Float64, 8)]
    [InlineData(DType.Int64, 8)]
    [InlineData(DType.UInt8, 1)]
    [InlineData(DType.BFloat16, 2)]
    public void Every_type_fills_reads_and_writes(DType type, int size)
    {
        Tensor tensor = Tensor.Full([3, 5], 7, type);
        Assert.Equal(15 * size, tensor.Bytes);
        Assert.All(Enumerable.Range(0, 15), i => Assert.Equal(7, tensor[i]));
        tensor[4] = 3;
        Assert.Equal((7, 3), (tensor[3], tensor[4]));
        tensor.Clear();
        Assert.All(Enumerable.Range(0, 15), i => Assert.Equal(0, tensor[i]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor[15]);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor[-1]);
    }

    [Fact]
    public void Reading_as_another_type_is_an_error_that_names_both()
    {
        Tensor tensor = Tensor.Zeros([2], DType.Float32);
        string message = Assert.Throws<InvalidOperationException>(() => tensor.AsSpan<double>().ToArray()).Message;
        Assert.Contains("float32 (2)", message);
        Assert.Contains("float64", message);
    }

    [Fact]
    public void Views_share_memory_and_clones_do_not()
    {
        Tensor tensor = Tensor.From([1f, 2, 3, 4, 5, 6], [3, 2]);
        Tensor view = tensor.Reshape([2, 3]), slice = tensor.Slice(1, 2), clone = tensor.Clone();
        tensor[2] = 30;
        Assert.Equal((30, 30, 3), (view[2], slice[0], clone[2]));
        Assert.Equal(new Shape(2, 2), slice.Shape);
        Assert.Throws<ArgumentException>(() => tensor.Reshape([4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Slice(2, 2));
    }

    [Fact]
    public void Conversion_rounds_and_integers_do_not_convert()
    {
        Tensor tensor = Tensor.From([0.1, 1.0 / 3], [2]);
        Tensor rounded = tensor.To(DType.Float32);
        Assert.Equal([0.1f, 1f / 3], rounded.AsSpan<float>().ToArray());
        Assert.Equal([0.1f, (double)(1f / 3)], rounded.To(DType.Float64).AsSpan<double>().ToArray());
        Assert.Same(tensor, tensor.To(DType.Float64));
        Assert.Throws<NotSupportedException>(() => Tensor.Zeros([1], DType.Int64).To(DType.Float32));
    }

    [Theory]
    // The spacing between 1 and 2 is 2^-7: ties round to even, numbers beside a tie to the nearest.
    [InlineData(1 + 1.0 / 256, 1)]
    [InlineData(1 + 3.0 / 256, 1 + 2.0 / 128)]
    [InlineData(1 + 1.0 / 256 + 1e-12, 1 + 1.0 / 128)]
    [InlineData(1 + 3.0 / 256 - 1e-12, 1 + 1.0 / 128)]
    [InlineData(-1 - 1.0 / 256 - 1e-12, -1 - 1.0 / 128)]
    [InlineData(3.4e38, double.PositiveInfinity)]
    [InlineData(5e-41, 9.183549615799121e-41)]
    [InlineData(4e-41, 0)]
    [InlineData(double.NegativeInfinity, double.NegativeInfinity)]
    public void Bfloat16_rounds_to_nearest_even(double value, double expected)
    {
        Tensor tensor = Tensor.From([value], [1]);
        Assert.Equal(expected, tensor.To(DType.BFloat16)[0]);
        Assert.Equal(expected, tensor.To(DType.BFloat16).To(DType.Float64)[0]);
        Assert.Equal((float)expected, tensor.To(DType.BFloat16).To(DType.Float32).AsSpan<float>()[0]);
    }

    [Fact]
    public void Bfloat16_survives_a_round_trip_and_keeps_nan()
    {
        Tensor all = Tensor.From([.. Enumerable.Range(0, 65536).Select(bits => new BFloat16((ushort)bits))], [65536]);
        Tensor back = all.To(DType.Float32).To(DType.BFloat16);
        for (int bits = 0; bits < 65536; bits++)
            if (double.IsNaN(all[bits]))
                Assert.True(double.IsNaN(back[bits]));
            else
                Assert.Equal(bits, back.AsSpan<BFloat16>()[bits].Bits);
        // Only the lower half makes this a NaN: truncation would make it infinite.
        Tensor nan = Tensor.From([BitConverter.UInt32BitsToSingle(0x7F80_0001)], [1]);
        Assert.True(double.IsNaN(nan.To(DType.BFloat16)[0]));
    }

    [Fact]
    public void Values_of_another_number_or_type_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Tensor.From([1f, 2], [3]));
        Assert.Throws<ArgumentException>(() => Tensor.Zeros([2]).CopyFrom(Tensor.Zeros([3])));
        Assert.Throws<ArgumentException>(() => Tensor.Zeros([2]).CopyFrom(Tensor.Zeros([2], DType.Float64)));
    }
}
