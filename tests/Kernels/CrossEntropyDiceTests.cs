using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Kernels;

public sealed class CrossEntropyDiceTests
{
    private const int Classes = 5;

    private static (double Loss, Tensor Gradient) Run(Func<Variable, Variable> loss, DType type)
    {
        var logits = new Variable(Numbers.Random([2, 31, 47, Classes], DType.Float64, 1).To(type), requiresGradient: true);
        Variable value = loss(logits).Keep();
        // A large value, so that the gradient of a single pixel is about 1 and the tolerance is meaningful.
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

    /// <summary>The formulas, evaluated term by term in double.</summary>
    private static (double Loss, double[] Gradient) Formula(
        Tensor logits, Tensor labels, double entropyWeight, double diceWeight, double[] classWeights, double smooth, double dLoss)
    {
        int pixels = logits.Shape.Rows;
        var p = new double[pixels, Classes];
        double[] products = new double[Classes], squares = new double[Classes], gradient = new double[pixels * Classes];
        double entropy = 0, total = 0;
        for (int i = 0; i < pixels; i++)
        {
            double sum = Enumerable.Range(0, Classes).Sum(k => Math.Exp(logits[i * Classes + k]));
            for (int k = 0; k < Classes; k++)
                p[i, k] = Math.Exp(logits[i * Classes + k]) / sum;
            if (labels[i] == 255)
                continue;
            int label = (int)labels[i];
            entropy -= classWeights[label] * Math.Log(p[i, label]);
            total += classWeights[label];
            for (int k = 0; k < Classes; k++)
                squares[k] += p[i, k] * p[i, k] + (k == label ? 1 : 0);
            products[label] += p[i, label];
        }
        double[] above = [.. products.Select(value => 2 * value + smooth)], below = [.. squares.Select(value => value + smooth)];
        for (int i = 0; i < pixels; i++)
        {
            if (labels[i] == 255)
                continue;
            int label = (int)labels[i];
            // d/dp of the mean over classes of 1 - above / below.
            double[] slope = [.. Enumerable.Range(0, Classes).Select(k =>
                -(2 * (k == label ? 1 : 0) / below[k] - 2 * p[i, k] * above[k] / (below[k] * below[k])) / Classes)];
            double mean = Enumerable.Range(0, Classes).Sum(k => slope[k] * p[i, k]);
            for (int k = 0; k < Classes; k++)
                gradient[i * Classes + k] = dLoss * (diceWeight * p[i, k] * (slope[k] - mean)
                    + entropyWeight * classWeights[label] / total * (p[i, k] - (k == label ? 1 : 0)));
        }
        double dice = Enumerable.Range(0, Classes).Average(k => 1 - above[k] / below[k]);
        return (entropyWeight * entropy / total + diceWeight * dice, gradient);
    }

    [Theory]
    [InlineData(DType.Float32, 0.3, 0.7)]
    [InlineData(DType.Float64, 0.3, 0.7)]
    [InlineData(DType.Float32, 2, 0)]
    [InlineData(DType.Float64, 2, 0)]
    [InlineData(DType.Float32, 0, 3)]
    [InlineData(DType.Float64, 0, 3)]
    public void Both_terms_and_each_alone_follow_the_formulas(DType type, double entropyWeight, double diceWeight)
    {
        double[] weights = [0.5, 1, 2, 0, 3];
        Variable labels = Labels(ignoring: true);
        Tensor? seen = null;
        (double loss, Tensor got) = Run(logits =>
        {
            seen = logits.Value.To(DType.Float64);
            return Variable.Apply(new CrossEntropyDice(entropyWeight, diceWeight, weights, 1e-3, 255), logits, labels);
        }, type);
        (double expected, double[] gradient) = Formula(seen!, labels.Value, entropyWeight, diceWeight, weights, 1e-3, 3000);
        double tolerance = type == DType.Float32 ? 2e-6 : 1e-12;
        Assert.Equal(expected, loss, tolerance);
        Numbers.AssertClose(Tensor.From(gradient, got.Shape), got, tolerance, "gradient");
    }

    [Fact]
    public void The_cross_entropy_alone_takes_any_number_of_classes()
    {
        Tensor logits = Numbers.Random([2, 300], DType.Float64, 3), labels = Tensor.From<byte>([7, 250], [2]);
        double expected = 0;
        for (int i = 0; i < 2; i++)
            expected += (Math.Log(Enumerable.Range(0, 300).Sum(k => Math.Exp(logits[i * 300 + k]))) - logits[i * 300 + (int)labels[i]]) / 2;
        Assert.Equal(expected, OperatorCall.Run(new CrossEntropyDice(1, 0), logits, labels)[0], 1e-12);
        Assert.Equal("CrossEntropyDice: logits is (2,300), expected at most 256 classes",
            Assert.Throws<ShapeException>(() => OperatorCall.Run(new CrossEntropyDice(), logits, labels)).Message);
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
    public void Training_uses_it_with_the_weights_of_its_options()
    {
        Variable labels = Labels(ignoring: true);
        foreach ((double entropy, double dice) in new[] { (0.4, 0.6), (2.0, 0.0), (0.0, 3.0) })
        {
            Tensor? seen = null;
            (double loss, Tensor got) = Run(logits =>
                new SegmentationLoss(entropy, dice).Apply(seen is null ? Keep(logits) : logits, labels.Value), DType.Float64);
            (double expected, double[] gradient) = Formula(seen!, labels.Value, entropy, dice, [1, 1, 1, 1, 1], 1e-5, 3000);
            Assert.Equal(expected, loss, 1e-12);
            Numbers.AssertClose(Tensor.From(gradient, got.Shape), got, 1e-12, "gradient");

            Variable Keep(Variable logits)
            {
                seen = logits.Value;
                return logits;
            }
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
