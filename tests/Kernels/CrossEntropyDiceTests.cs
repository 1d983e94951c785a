using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using Xunit;

namespace CsUnet.Tests.Kernels;

public sealed class CrossEntropyDiceTests
{
    private const int Classes = 5;

    private static (double Loss, Tensor Gradient) Run(Func<Variable, Variable> loss, DType type)
    {
        var logits = new Variable(Numbers.Random([2, 31, 47, Classes], DType.Float64, 1).To(type), requiresGradient: true);
        Variable value = loss(logits).Keep();
        // Large, so that the gradient of one pixel of many is about 1 and a tolerance means what it says.
        value.Backward(Tensor.Full([], 3000, type));
        return (value.Value[0], logits.Gradient!);
    }

    private static Variable Labels(bool ignoring)
    {
        Tensor labels = Tensor.Empty([2, 31, 47], DType.UInt8);
        for (int i = 0; i < labels.Count; i++)
            labels[i] = ignoring && i % 7 == 3 ? 255 : (i * i + i / 5) % Classes;
        return new Variable(labels);
    }

    [Theory]
    [InlineData(DType.Float32, false)]
    [InlineData(DType.Float64, false)]
    [InlineData(DType.Float32, true)]
    [InlineData(DType.Float64, true)]
    public void Is_the_weighted_sum_of_the_two_losses(DType type, bool ignoring)
    {
        double[]? weights = ignoring ? [0.5, 1, 2, 0, 3] : null;
        Variable labels = Labels(ignoring);
        int? ignore = ignoring ? 255 : null;
        (double expected, Tensor gradient) = Run(logits => Variable.Apply(new WeightedSum([0.3, 0.7]),
            Variable.Apply(new CrossEntropy(weights, ignore), logits, labels), Variable.Apply(new SoftDice(1e-3, ignore), logits, labels)), type);
        (double loss, Tensor got) = Run(logits => Variable.Apply(new CrossEntropyDice(0.3, 0.7, weights, 1e-3, ignore), logits, labels), type);
        double tolerance = type == DType.Float32 ? 2e-6 : 1e-12;
        Assert.Equal(expected, loss, tolerance);
        Numbers.AssertClose(gradient, got, tolerance, "gradient");
    }

    [Fact]
    public void Pixels_that_all_do_not_count_give_no_gradient()
    {
        var logits = new Variable(Numbers.Random([6, 3], DType.Float64, 2), requiresGradient: true);
        Variable loss = Variable.Apply(
            new CrossEntropyDice(Smooth: 1, IgnoreIndex: 255), logits, new Variable(Tensor.Full([6], 255, DType.UInt8))).Keep();
        loss.Backward();
        Assert.Equal(0, loss.Value[0]);
        for (int i = 0; i < 18; i++)
            Assert.Equal(0, logits.Gradient![i]);
    }

    [Fact]
    public void Training_uses_it_where_both_weights_count()
    {
        Variable labels = Labels(ignoring: true);
        foreach ((double entropy, double dice) in new[] { (0.4, 0.6), (2.0, 0.0), (0.0, 3.0) })
        {
            (double expected, Tensor gradient) = Run(
                logits => Variable.Apply(new CrossEntropyDice(entropy, dice, IgnoreIndex: 255), logits, labels), DType.Float64);
            (double loss, Tensor got) = Run(logits => new SegmentationLoss(entropy, dice).Apply(logits, labels.Value), DType.Float64);
            Assert.Equal(expected, loss, 1e-13);
            Numbers.AssertClose(gradient, got, 1e-12, "gradient");
        }
    }

    [Fact]
    public void Names_the_wrong_argument()
    {
        Tensor logits = Tensor.Zeros([4, 3]), labels = Tensor.From<byte>([0, 2, 7, 1], [4]);
        Assert.Equal("CrossEntropyDice: label 2 is 7, expected from 0 to 2",
            Assert.Throws<ShapeException>(() => OperatorCall.Run(new CrossEntropyDice(), logits, labels)).Message);
        Assert.Equal("CrossEntropyDice: 2 class weights for 3 classes",
            Assert.Throws<ShapeException>(() => OperatorCall.Run(new CrossEntropyDice(ClassWeights: [1, 2]), logits, labels)).Message);
    }
}
