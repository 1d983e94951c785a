using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Autograd;

public sealed class GradientCheckTests
{
    private static Variable Leaf(Shape shape, string name)
    {
        Tensor value = Tensor.Empty(shape, DType.Float64);
        var key = new RandomKey(3, 0, name[0]);
        for (long i = 0; i < value.Count; i++)
            value[i] = key.Normal((ulong)i);
        return new Variable(value, requiresGradient: true, name);
    }

    private static GradientCheckResult Check(Operator op, params Variable[] inputs) =>
        GradientCheck.Run(op, inputs, new GradientCheckOptions { Tolerance = Tolerances.GradientOfOperator });

    /// <summary>The checks of one argument that failed.</summary>
    private static GradientChecks Failed(ArgumentGradientCheck argument) => argument.Findings
        .Where(finding => finding.Verdict != GradientVerdict.Agrees).Aggregate(GradientChecks.None, (all, finding) => all | finding.Check);

    [Fact]
    public void Right_gradients_pass_every_check()
    {
        GradientCheckResult result = Check(new PlantedSquare(Mistake.None), Leaf([2, 5], "x"));
        Assert.True(result.Passed, result.Failures);
        Assert.Equal((10, "x"), (result.Worst.EntriesChecked, result.Worst.Name));
        Assert.Equal(
            [GradientChecks.Entries, GradientChecks.Direction, GradientChecks.Repeat, GradientChecks.Accumulate, GradientChecks.Start,
                GradientChecks.UsedTwice, GradientChecks.View],
            result.Worst.Findings.Select(finding => finding.Check));
        result = Check(new PlantedLinear(LinearMistake.None), Leaf([2, 4], "x"), Leaf([4, 4], "w"), Leaf([4], "b"));
        Assert.True(result.Passed, result.Failures);
        Assert.Equal(["x", "w", "b"], result.Arguments.Select(argument => argument.Name));
    }

    [Theory]
    [InlineData(Mistake.WrongSign, GradientChecks.Entries | GradientChecks.Direction)]
    [InlineData(Mistake.MissingFactor, GradientChecks.Entries | GradientChecks.Direction)]
    [InlineData(Mistake.IgnoredOutputGradient, GradientChecks.Entries | GradientChecks.Direction)]
    [InlineData(Mistake.OneWrongEntry, GradientChecks.Entries | GradientChecks.Direction)]
    [InlineData(Mistake.NoGradient, GradientChecks.Entries | GradientChecks.Direction)]
    [InlineData(Mistake.DroppedAccumulation, GradientChecks.Accumulate | GradientChecks.Start | GradientChecks.UsedTwice)]
    [InlineData(Mistake.SizeOfBlock, GradientChecks.View)]
    [InlineData(Mistake.OtherBits, GradientChecks.Repeat)]
    public void A_planted_mistake_is_caught_by_the_check_for_it(Mistake mistake, GradientChecks expected)
    {
        GradientCheckResult result = Check(new PlantedSquare(mistake), Leaf([2, 5], "x"));
        Assert.False(result.Passed);
        Assert.Equal(GradientVerdict.Differs, result.Worst.Verdict);
        // A missing gradient may also fail the Start check. Every other mistake must fail exactly the expected checks.
        Assert.Equal(expected, Failed(result.Worst) & (mistake == Mistake.NoGradient ? ~GradientChecks.Start : GradientChecks.All));
        if (mistake == Mistake.OneWrongEntry)
            Assert.Equal("(0,3)", result.Worst[GradientChecks.Entries]!.Where);
        Assert.StartsWith("x (2,5): ", result.Failures);
    }

    [Fact]
    public void A_gradient_that_is_no_number_is_caught_where_it_is()
    {
        GradientFinding finding = Check(new PlantedSquare(Mistake.NotANumber), Leaf([2, 5], "x")).Worst[GradientChecks.Entries]!;
        Assert.Equal((GradientVerdict.Differs, 3), (finding.Verdict, finding.Index));
    }

    [Theory]
    [InlineData(LinearMistake.NegativeWeight, "weight", "entries")]
    [InlineData(LinearMistake.TransposedWeight, "input", "entries")]
    [InlineData(LinearMistake.BiasOfLastRow, "bias", "entries")]
    [InlineData(LinearMistake.BiasOverwritten, "bias", "accumulate")]
    public void The_suite_names_operator_argument_and_check(LinearMistake mistake, string argument, string check)
    {
        GradCheckReport report = GradCheckSuite.RunOne(PlantedLinear.Case(mistake));
        Assert.False(report.Passed);
        Assert.Equal("PlantedLinear (3,4)->4", report.Name);
        GradCheckLine wrong = Assert.Single(report.Lines, line => !line.Passed);
        Assert.Equal(argument, wrong.Argument);
        Assert.Contains($"{check} differs", wrong.Failure, StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith($"{argument}: {argument} (", report.Failure);
        Assert.True(GradCheckSuite.RunOne(PlantedLinear.Case(LinearMistake.None)).Passed);
    }

    [Fact]
    public void A_softmax_without_its_sum_is_caught() =>
        Assert.Equal(GradientChecks.Entries | GradientChecks.Direction, Failed(Check(new PlantedSoftmax(), Leaf([3, 4], "x")).Worst));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_wrong_mask_is_caught(bool isShifted) =>
        Assert.True(Failed(Check(new PlantedMask(isShifted), Leaf([3, 4], "x")).Worst).HasFlag(GradientChecks.Entries));

    [Fact]
    public void A_passed_gradient_that_is_changed_is_caught() =>
        Assert.False(Check(new PlantedPass(), Leaf([4], "a"), Leaf([4], "b")).Passed);

    [Fact]
    public void A_direction_sees_the_entry_that_was_not_drawn()
    {
        GradientCheckResult result = GradientCheck.Run(
            new PlantedSquare(Mistake.OneWrongEntry), [Leaf([40, 5], "x")],
            new GradientCheckOptions { MaxEntries = 2, Tolerance = Tolerances.GradientOfOperator });
        Assert.Equal(GradientChecks.Direction, Failed(result.Worst));
    }

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
        Assert.All(result.Arguments, argument => Assert.Null(argument[GradientChecks.View]));
    }

    [Fact]
    public void Groups_are_checked_together_and_name_the_member()
    {
        Variable a = Leaf([4], "a"), b = Leaf([4, 1], "b"), c = Leaf([2, 2, 1], "c");
        GradientCheckResult result = GradientCheck.Run(
            arguments => Variable.Apply(new Concat(), Flat(Mistake.None, arguments[0]), Flat(Mistake.WrongSign, arguments[1]),
                Flat(Mistake.None, arguments[2])),
            [a, b, c], new GradientCheckOptions { Groups = ["first", "first", "second"] });
        Assert.Equal([("first", 8L), ("second", 4L)], result.Arguments.Select(argument => (argument.Name, argument.Shape.Count)));
        Assert.Equal([GradientVerdict.Differs, GradientVerdict.Agrees], result.Arguments.Select(argument => argument.Verdict));
        Assert.StartsWith("b (", result.Arguments[0][GradientChecks.Entries]!.Where);

        static Variable Flat(Mistake mistake, Variable x) =>
            Variable.Apply(new Reshape([1, 4]), Variable.Apply(new PlantedSquare(mistake), x));
    }

    [Fact]
    public void A_kink_that_no_step_avoids_is_undecided_and_limited_in_number()
    {
        // 0 is on the kink of the ReLU for every step size: the numeric derivative is 1/2, and the check reports that it cannot decide.
        var x = new Variable(Tensor.From([1.0, 0.0, -2.0, 3.0], [4]), requiresGradient: true, "x");
        GradientCheckOptions options = new() { Checks = GradientChecks.Entries };
        GradientFinding finding = GradientCheck.Run(new Activation(ActivationKind.ReLU), [x], options).Worst.Worst;
        Assert.Equal((GradientVerdict.Undecided, 1, "(1)"), (finding.Verdict, finding.Undecided, finding.Where));
        GradientCheckResult allowed = GradientCheck.Run(new Activation(ActivationKind.ReLU), [x], options with { MaxUndecided = 0.25 });
        Assert.True(allowed.Passed);
        Assert.Equal(1, allowed.Worst.Worst.Undecided);
    }

    [Fact]
    public void A_step_shrinks_away_from_a_kink()
    {
        // The kink of the ReLU lies between half of the first step and the whole of it: the first pair disagrees, the next one agrees.
        var x = new Variable(Tensor.From([1e-4], [1]), requiresGradient: true, "x");
        GradientCheckResult result = GradientCheck.Run(new Activation(ActivationKind.ReLU), [x],
            new GradientCheckOptions { Step = 1.0 / (1 << 13) });
        Assert.True(result.Passed, result.Failures);
        Assert.Equal(1, result.Worst[GradientChecks.Entries]!.ShortSteps);
    }

    [Fact]
    public void Values_are_put_back_and_large_arguments_sampled()
    {
        Variable x = Leaf([50, 40], "x");
        double[] before = x.Value.AsSpan<double>().ToArray();
        GradientCheckResult result = GradientCheck.Run(new Activation(ActivationKind.GELU), [x],
            new GradientCheckOptions { MaxEntries = 30 });
        Assert.True(result.Passed, result.Failures);
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
