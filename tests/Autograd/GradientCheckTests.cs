using CsUnet.Autograd;
using CsUnet.Cases;
using CsUnet.Kernels;
using CsUnet.Tensors;
using Xunit;

namespace CsUnet.Tests.Autograd;

/// <summary>Mistakes that are easily made in a backward pass.</summary>
public enum Mistake
{
    None,
    WrongSign,
    MissingFactor,
    IgnoredOutputGradient,
    DroppedAccumulation,
    OneWrongEntry,
    NotANumber,
    NoGradient,
}

/// <summary>output = input^2 elementwise, with a mistake in dInput = 2 input dOutput.</summary>
internal sealed record PlantedSquare(Mistake Mistake) : Operator
{
    public override Tensor Forward(OperatorCall call)
    {
        Tensor output = Tensor.EmptyLike(call[0]);
        for (long i = 0; i < output.Count; i++)
            output[i] = call[0][i] * call[0][i];
        return output;
    }

    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (Mistake == Mistake.NoGradient)
            return;
        Tensor dInput = gradients.Target(0, out bool accumulate);
        for (long i = 0; i < dInput.Count; i++)
        {
            double value = Mistake switch
            {
                Mistake.WrongSign => -2 * call[0][i] * dOutput[i],
                Mistake.MissingFactor => call[0][i] * dOutput[i],
                Mistake.IgnoredOutputGradient => 2 * call[0][i],
                Mistake.OneWrongEntry when i == 3 => 2.00001 * call[0][i] * dOutput[i],
                Mistake.NotANumber when i == 3 => double.NaN,
                _ => 2 * call[0][i] * dOutput[i],
            };
            dInput[i] = accumulate && Mistake != Mistake.DroppedAccumulation ? dInput[i] + value : value;
        }
    }
}

/// <summary>Linear with a square weight, whose dInput uses the weight as it is or, wrongly, transposed.</summary>
internal sealed record PlantedLinear(bool Transposed) : Operator
{
    public override Tensor Forward(OperatorCall call) => OperatorCall.Run(new Linear(), call[0], call[1]);

    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        int n = call[1].Shape[0], rows = call[0].Shape.Rows;
        Tensor dInput = Tensor.ZerosLike(call[0]);
        for (int row = 0; row < rows; row++)
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++)
                    dInput[row * n + j] += dOutput[row * n + i] * call[1][Transposed ? j * n + i : i * n + j];
        gradients.Give(0, dInput);
    }
}

/// <summary>Softmax whose dInput = output * dOutput forgets that the outputs sum to one.</summary>
internal sealed record PlantedSoftmax : Operator
{
    public override Tensor Forward(OperatorCall call) => OperatorCall.Run(new Softmax(), call[0]);

    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = dOutput.Clone();
        for (long i = 0; i < dInput.Count; i++)
            dInput[i] *= call.Output[i];
        gradients.Give(0, dInput);
    }
}

public sealed class GradientCheckTests
{
    private static Variable Leaf(Shape shape, string name)
    {
        Tensor value = Tensor.Empty(shape, DType.Float64);
        var key = new RandomKey(3, 0, (uint)shape.Rank);
        for (long i = 0; i < value.Count; i++)
            value[i] = key.Normal((ulong)i);
        return new Variable(value, requiresGradient: true, name);
    }

    private static GradientCheckResult CheckTwice(Operator op, params Variable[] inputs) => GradientCheck.Run(
        () => Variable.Apply(new Add(), Variable.Apply(op, inputs), Variable.Apply(op, inputs)),
        [.. inputs.Where(input => input.RequiresGradient)], new GradientCheckOptions { Tolerance = Tolerances.GradientOfOperator });

    [Fact]
    public void Right_gradients_pass()
    {
        GradientCheckResult result = CheckTwice(new PlantedSquare(Mistake.None), Leaf([2, 5], "x"));
        Assert.True(result.Passed, result.Worst.ToString());
        Assert.Equal((10, "x"), (result.Worst.EntriesChecked, result.Worst.Name));
        Assert.True(CheckTwice(new PlantedLinear(false), Leaf([2, 4], "x"), new Variable(Leaf([4, 4], "w").Value)).Passed);
    }

    [Theory]
    [InlineData(Mistake.WrongSign)]
    [InlineData(Mistake.MissingFactor)]
    [InlineData(Mistake.IgnoredOutputGradient)]
    [InlineData(Mistake.DroppedAccumulation)]
    [InlineData(Mistake.OneWrongEntry)]
    [InlineData(Mistake.NotANumber)]
    [InlineData(Mistake.NoGradient)]
    public void A_planted_mistake_is_caught(Mistake mistake)
    {
        GradientCheckResult result = CheckTwice(new PlantedSquare(mistake), Leaf([2, 5], "x"));
        Assert.False(result.Passed);
        Assert.Equal(GradientVerdict.Differs, result.Worst.Verdict);
        if (mistake is Mistake.OneWrongEntry or Mistake.NotANumber)
            Assert.Equal(3, result.Worst.Index);
    }

    [Fact]
    public void A_transposed_weight_is_caught() =>
        Assert.False(CheckTwice(new PlantedLinear(true), Leaf([2, 4], "x"), new Variable(Leaf([4, 4], "w").Value)).Passed);

    [Fact]
    public void A_softmax_without_its_sum_is_caught() => Assert.False(CheckTwice(new PlantedSoftmax(), Leaf([3, 4], "x")).Passed);

    [Fact]
    public void A_mistake_in_one_of_two_arguments_is_blamed_on_it()
    {
        Variable a = Leaf([4], "a"), b = Leaf([4, 1], "b");
        GradientCheckResult result = GradientCheck.Run(
            () => Variable.Apply(new Add(),
                Variable.Apply(new PlantedSquare(Mistake.None), a),
                Variable.Apply(new Reshape([4]), Variable.Apply(new PlantedSquare(Mistake.WrongSign), b))),
            [a, b]);
        Assert.Equal([GradientVerdict.Agrees, GradientVerdict.Differs], result.Arguments.Select(argument => argument.Verdict));
    }

    [Fact]
    public void A_step_shrinks_away_from_a_kink()
    {
        // The rectifier's kink lies between one and two of the first steps: the first pair disagrees, the next does not.
        var x = new Variable(Tensor.From([1.5e-4], [1]), requiresGradient: true, "x");
        GradientCheckResult result = GradientCheck.Run(() => Variable.Apply(new ReLU(), x), [x], new GradientCheckOptions { Step = 1e-4 });
        Assert.True(result.Passed, result.Worst.ToString());
        Assert.True(result.Evaluations > 4);
    }

    [Fact]
    public void Values_are_put_back_and_large_arguments_sampled()
    {
        Variable x = Leaf([50, 40], "x");
        double[] before = x.Value.AsSpan<double>().ToArray();
        GradientCheckResult result = GradientCheck.Run(() => Variable.Apply(new Gelu(), x), [x], new GradientCheckOptions { MaxEntries = 30 });
        Assert.True(result.Passed, result.Worst.ToString());
        Assert.Equal(30, result.Worst.EntriesChecked);
        Assert.Equal(before, x.Value.AsSpan<double>().ToArray());
        Assert.Null(x.Gradient);
    }

    [Fact]
    public void Only_double_leaves_can_be_checked()
    {
        var single = new Variable(Tensor.Zeros([1]), requiresGradient: true, "single");
        Assert.Contains("single", Assert.Throws<ArgumentException>(() => GradientCheck.Run(() => single, [single])).Message);
        var constant = new Variable(Tensor.Zeros([1], DType.Float64), name: "constant");
        Assert.Contains("constant", Assert.Throws<ArgumentException>(() => GradientCheck.Run(() => constant, [constant])).Message);
        Assert.Throws<ArgumentException>(() => GradientCheck.Run(() => single, []));
    }
}
