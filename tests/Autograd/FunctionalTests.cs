using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Autograd;

/// <summary>Operators as methods and arithmetic of variables: values computed by hand, gradients by central differences.</summary>
public sealed class FunctionalTests
{
    private static Variable Leaf(Shape shape, uint seed) =>
        new(Numbers.Random(shape, DType.Float64, seed), requiresGradient: true, $"leaf {seed}");

    [Fact]
    public void Arithmetic_is_element_by_element()
    {
        Variable a = Tensor.From([1.0, -2, 3], [3]), b = Tensor.From([4.0, 5, -6], [3]);
        Assert.Equal([5, 3, -3], (a + b).Value.ToArray<double>());
        Assert.Equal([-3, -7, 9], (a - b).Value.ToArray<double>());
        Assert.Equal([4, -10, -18], (a * b).Value.ToArray<double>());
        Assert.Equal([-1, 2, -3], (-a).Value.ToArray<double>());
        Assert.Equal([2.5, -5, 7.5], (2.5 * a).Value.ToArray<double>());
        Assert.Equal([0.25, -0.5, 0.75], (a / 4).Value.ToArray<double>());
        Assert.Equal(2, a.Sum().Item());
        Assert.Equal(2.0 / 3, a.Mean().Item(), 1e-15);
        Assert.Equal(Shape.Scalar, a.Mean().Shape);
    }

    [Fact]
    public void Gradients_of_arithmetic_agree()
    {
        GradientCheckResult result = GradientCheck.Run(
            v => ((v[0] * v[1] - 0.5 * v[0]) * v[0] + -v[1] / 3).Mean() + (v[0] * v[1]).Sum(), [Leaf([3, 5], 1), Leaf([3, 5], 2)]);
        Assert.True(result.Passed, result.Failures);
    }

    [Fact]
    public void Gradients_of_a_chain_of_methods_agree()
    {
        Tensor labels = Tensor.Integers([4], below: 6, seed: 3);
        GradientCheckResult result = GradientCheck.Run(
            v => (v[0].GELU() + v[0].Softmax()).Reshape(2, -1).Flatten().Reshape(4, 6).CrossEntropy(labels), [Leaf([2, 2, 6], 1)]);
        Assert.True(result.Passed, result.Failures);
        Assert.Equal([0, 2], new Variable(Tensor.From([-1.0, 2], [2])).ReLU().Value.ToArray<double>());
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        Variable a = Tensor.Zeros([2, 3]);
        Assert.Contains(
            "Multiply: second input is (3,2), expected (2,3)", Assert.Throws<ShapeException>(() => a * Tensor.Zeros([3, 2])).Message);
        Assert.Contains("6 elements of (2,3) do not divide among (4,-1)", Assert.Throws<ArgumentException>(() => a.Reshape(4, -1)).Message);
        Assert.Contains("leaves two dimensions open", Assert.Throws<ArgumentException>(() => a.Reshape(-1, -1)).Message);
    }

    [Theory]
    [InlineData(DType.UInt8)]
    [InlineData(DType.Int32)]
    [InlineData(DType.Int64)]
    public void Labels_may_be_of_any_integer_type(DType type)
    {
        Variable logits = Numbers.Random([3, 7, 5], DType.Float32, 1);
        double expected = logits.CrossEntropy(Tensor.Integers([3, 7], below: 5, seed: 4)).Item();
        Assert.Equal(expected, logits.CrossEntropy(Tensor.Integers([3, 7], below: 5, seed: 4, type)).Item());
        Tensor wrong = Tensor.Full([3, 7], 5, type);
        Assert.Contains("label 0 is 5, expected from 0 to 4", Assert.Throws<ShapeException>(() => logits.CrossEntropy(wrong)).Message);
    }

    [Fact]
    public void Labels_of_another_type_are_refused() => Assert.Contains("expected uint8, int32 or int64",
        Assert.Throws<ShapeException>(() => new Variable(Tensor.Zeros([3, 5])).CrossEntropy(Tensor.Zeros([3]))).Message);
}
