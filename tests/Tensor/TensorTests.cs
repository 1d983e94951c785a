using CsUnet.Tensors;
using Xunit;

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

    [Fact]
    public void Values_of_another_number_or_type_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Tensor.From([1f, 2], [3]));
        Assert.Throws<ArgumentException>(() => Tensor.Zeros([2]).CopyFrom(Tensor.Zeros([3])));
        Assert.Throws<ArgumentException>(() => Tensor.Zeros([2]).CopyFrom(Tensor.Zeros([2], DType.Float64)));
    }
}
