using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Verification;

/// <summary>Random shapes, how a failing one shrinks, and the line of code that is left of it.</summary>
public sealed class ShapeSearchTests
{
    /// <summary>output = input, whose gradient forgets the columns behind the last whole vector of four, if there was a vector at all.</summary>
    private sealed record PlantedTail : Operator
    {
        public override Tensor Forward(OperatorCall call) => call[0].Clone();

        public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
        {
            Tensor dInput = dOutput.Clone();
            int width = dInput.Shape.Last;
            for (long i = 0; i < dInput.Count; i++)
                if (width >= 8 && i % width >= width / 4 * 4)
                    dInput[i] = 0;
            gradients.Give(0, dInput);
        }
    }

    private static ShapeFamily Tail { get; } = new(
        nameof(PlantedTail), [new("rows", 1, 40), new("C", 1, 40)],
        values => new("", new PlantedTail(), Exactness.Moves, new OperatorInput("input", [values[0], values[1]])));

    [Fact]
    public void A_failure_shrinks_to_the_smallest_shape_and_is_printed_ready_to_paste()
    {
        ShapeSearch.Result result = ShapeSearch.Run(Tail, 100, seed: 1, item => GradCheckSuite.RunOne(item).Lines);
        Assert.Equal("rows=1 C=9", result.Smallest!.Label);
        Assert.StartsWith("input: input (1,9): Entries differs: 0 at (0,8)", result.Failure);
        Assert.Equal("""yield return new("rows=1 C=9", new PlantedTail(), Exactness.Moves, new OperatorInput("input", [1, 9]));""", CaseCode.Of(result.Smallest));
    }

    [Fact]
    public void An_exception_is_a_failure_and_shrinks_too()
    {
        ShapeSearch.Result result = ShapeSearch.Run(Tail, 100, seed: 1, item =>
            item.Inputs[0]!.Shape is var shape && shape[0] >= 3 && shape[1] >= 5 ? throw new ShapeException("Planted", "input", shape, "less") : [Passing]);
        Assert.Equal("rows=3 C=5", result.Smallest!.Label);
        Assert.Equal("ShapeException: Planted: input is (3,5), expected less", result.Failure);
    }

    private static GradCheckLine Passing { get; } = new("input", "entries", 0, 0, 1, 0, 0, "all", null);

    [Fact]
    public void A_search_repeats_and_another_seed_draws_others()
    {
        Assert.Equal(Shapes(1), Shapes(1));
        Assert.NotEqual(Shapes(1), Shapes(2));

        static List<string> Shapes(uint seed)
        {
            var names = new List<string>();
            ShapeSearch.Result result = ShapeSearch.Run(Tail, 20, seed, item =>
            {
                names.Add(item.Label);
                return [Passing];
            });
            Assert.Equal((20, null), (result.Shapes, result.Failure));
            return names;
        }
    }

    [Fact]
    public void Every_operator_with_a_shape_is_searched_but_chains_of_searched_ones()
    {
        IEnumerable<string> expected = OperatorCases.All
            .Where(item => item.Op is not ConvBatchNormChain && item.Inputs.Any(input => input is not null && input.Shape.Any(size => size > 1)))
            .Select(item => item.Op.Name);
        Assert.Equal(expected.Distinct().Order(), ShapeFamilies.All.Select(family => family.Op).Distinct().Order());
    }

    [Fact]
    public void Dimensions_of_a_case_are_renamed_where_the_operator_takes_it()
    {
        OperatorCase like = OperatorCases.All.First(item => item.Op is Linear && item.Inputs[2] is not null);
        ShapeFamily family = ShapeRenaming.Of(like);
        Assert.Equal("Linear random shapes like (2,3,5,7)->9", family.Name);
        Assert.Equal(["2:", "3:", "5:", "7:", "9:"], family.Parameters.Select(parameter => parameter.Name));
        OperatorCase renamed = family.Create([1, 1, 4, 6, 8])!;
        Assert.Equal(["(1,1,4,6)", "(8,6)", "(8)"], renamed.Inputs.Select(input => $"{input!.Shape}"));
        // Padding by 2 and 4 stays as it is, so every renaming is taken; a table of (2 window - 1)^2 entries is not renamed with its window.
        OperatorCase attention = OperatorCases.All.First(item => item.Op is WindowAttention);
        Assert.Null(ShapeRenaming.Of(attention).Create([.. ShapeRenaming.Of(attention).Parameters.Select(_ => 3)]));
    }

    /// <summary>Lines as they are printed; that this file compiles shows that they are code.</summary>
    private static IEnumerable<OperatorCase> Pasted()
    {
        yield return new("rows=1 C=2", new Softmax(), Exactness.Sums, new OperatorInput("input", [1, 2]));
        yield return new("B=1", new Conv2d(Stride: 2, Padding: 1, Groups: 3), Exactness.Sums, new("input", [1, 5, 4, 6]), new("weight", [9, 3, 3, 2], Role: InputRole.MatrixWeight), null);
        yield return new("mode", new Resize(Height: 1, Width: 2, Mode: ResizeMode.Bicubic), Exactness.Sums, new OperatorInput("input", [1, 1, 1, 1]));
        yield return new("half", new Dropout(Probability: 0.5, Key: new RandomKey(Seed: 3, Step: 1, Layer: 2)), Exactness.Elementwise, new OperatorInput("input", [2]));
        yield return new("say \"no\"", new CrossEntropyDice(ClassWeights: [0.5, 1, 2], IgnoreIndex: 255), Exactness.Sums, new("logits", [2, 3]), new("labels", [2], Fill.ByteLabels, NeedsGradient: false, Classes: 3, Ignore: 255));
        yield return new("to", new Reshape(Shape: [6, 4]), Exactness.Moves, new OperatorInput("input", [2, 3, 4]));
        yield return new("off", new BatchNorm(Training: false), Exactness.Sums, new("input", [9, 3], Fill.AwayFromZero), new("weight", [3], Fill.Positive));
    }

    [Fact]
    public void Printed_cases_are_code_that_makes_the_same_case()
    {
        string source = File.ReadAllText(Path.Combine(TestFiles.Golden, "..", "..", "Verification", $"{nameof(ShapeSearchTests)}.cs"));
        Assert.All(Pasted(), item => Assert.Contains($"        {CaseCode.Of(item)}\n", source));
    }
}
