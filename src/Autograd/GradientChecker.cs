using CsUnet.Kernels;
using CsUnet.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace CsUnet.Autograd;

/// <summary>One run of <see cref="GradientCheck"/>, with the state that its checks share.</summary>
internal sealed class GradientChecker(
    Func<IReadOnlyList<Variable>, Variable> function, IReadOnlyList<Variable> arguments, GradientCheckOptions options, StepArena arena)
{
    // Gradients of an argument are compared relative to at least this share of the largest gradient entry of any argument. Otherwise a
    // gradient that is zero in exact arithmetic (the bias of keys in attention) would have only its rounding errors as a scale.
    private const double SmallestScale = 1e-3;

    private double[] _weights = [];
    private int _evaluations;

    /// <summary>Arguments that are moved and reported together; most blocks have one.</summary>
    private sealed record Block(string Name, IReadOnlyList<int> Members, long Count);

    /// <summary>Output and gradients of one backward pass, as numbers.</summary>
    private sealed record Pass(double[] Output, double[][] Gradients);

    public GradientCheckResult Run()
    {
        Pass reference = Differentiate(() => function(arguments));
        Block[] blocks = [.. arguments.Select((_, i) => i).GroupBy(i => options.Groups?[i] ?? $"{i}")
            .Select(group => new Block(
                options.Groups is null ? NameOf(group.First()) : group.Key, [.. group], group.Sum(i => arguments[i].Value.Count)))];
        double largest = reference.Gradients.Max(Largest);
        double largestNorm = blocks.Max(block => Norm(block, reference));
        var findings = blocks.Select(_ => new List<GradientFinding>()).ToArray();
        for (int i = 0; i < blocks.Length; i++)
        {
            if (options.Checks.HasFlag(GradientChecks.Entries))
                findings[i].Add(CheckEntries(blocks[i], reference, SmallestScale * largest, (uint)i + 1));
            if (options.Checks.HasFlag(GradientChecks.Direction))
                findings[i].Add(CheckDirection(blocks[i], reference, SmallestScale * largestNorm, (uint)i + 1));
        }
        if (options.Checks.HasFlag(GradientChecks.Repeat))
            Compare(GradientChecks.Repeat, Differentiate(() => function(arguments)), reference, isBitwise: true);
        if (options.Checks.HasFlag(GradientChecks.Accumulate))
            Compare(GradientChecks.Accumulate, Differentiate(() => function(arguments), passes: 2), Scaled(reference, 2));
        if (options.Checks.HasFlag(GradientChecks.Start))
        {
            double[][] start = [.. arguments.Select((argument, i) =>
                Normal(argument.Value.Count, new RandomKey(options.Seed, 3, (uint)i),
                    Math.Max(Largest(reference.Gradients[i]), SmallestScale * largest)))];
            double[][] sum = [.. start.Zip(reference.Gradients, (a, b) => a.Zip(b, (x, y) => x + y).ToArray())];
            Compare(GradientChecks.Start, Differentiate(() => function(arguments), start), reference with { Gradients = sum });
        }
        if (options.Checks.HasFlag(GradientChecks.UsedTwice))
            Compare(GradientChecks.UsedTwice, Differentiate(Twice), Scaled(reference, 2));
        if (options.Checks.HasFlag(GradientChecks.View))
            for (int i = 0; i < blocks.Length; i++)
                findings[i].Add(CheckView(blocks[i], reference, SmallestScale * largest));
        return new GradientCheckResult([.. blocks.Select((block, i) => new ArgumentGradientCheck(block.Name, ShapeOf(block), findings[i]))],
            _evaluations);

        void Compare(GradientChecks check, Pass got, Pass expected, bool isBitwise = false)
        {
            for (int i = 0; i < blocks.Length; i++)
                findings[i].Add(this.Compare(check, blocks[i], got, expected, SmallestScale * largest, isBitwise));
        }
    }

    private string NameOf(int argument) => options.Names?[argument] ?? arguments[argument].Name ?? $"argument {argument}";

    private Shape ShapeOf(Block block) =>
        block.Members.Count == 1 ? arguments[block.Members[0]].Shape : [checked((int)block.Count)];

    /// <summary>The function applied twice to views of its arguments, and the sum of both outputs.</summary>
    private Variable Twice()
    {
        Variable[] views = [.. arguments.Select(argument => View(argument, argument.Shape))];
        return Variable.Apply(new Add(), function(views), function(views));
    }

    private static Variable View(Variable variable, Shape shape) => Variable.Apply(
        new Reshape(shape), Variable.Apply(new Reshape([checked((int)variable.Value.Count)]), variable));

    /// <summary>Runs backward and reads output and gradients; the gradient of an argument that backward does not reach is zero.</summary>
    private Pass Differentiate(Func<Variable> build, double[][]? start = null, int passes = 1, IReadOnlyList<Variable>? leaves = null)
    {
        leaves ??= arguments;
        using StepArena.StepScope step = arena.BeginStep();
        for (int i = 0; i < leaves.Count; i++)
        {
            leaves[i].ClearGradient();
            if (start is null)
                continue;
            leaves[i].Gradient = Tensor.From(start[i], leaves[i].Shape);
            leaves[i].Gradient!.Storage.AddReference();
        }
        double[] values = [];
        for (int pass = 0; pass < passes; pass++)
        {
            _evaluations++;
            Variable output = build();
            values = output.Value.AsSpan<double>().ToArray();
            if (_weights.Length != values.Length)
                _weights = Normal(values.Length, new RandomKey(options.Seed, 0, 0), 1);
            output.Backward(Tensor.From(_weights, output.Shape));
        }
        var gradients = new double[leaves.Count][];
        for (int i = 0; i < leaves.Count; i++)
        {
            gradients[i] = leaves[i].Gradient?.AsSpan<double>().ToArray() ?? new double[leaves[i].Value.Count];
            leaves[i].ClearGradient();
        }
        return new Pass(values, gradients);
    }

    private double[] Evaluate()
    {
        using StepArena.StepScope step = arena.BeginStep();
        using NoGrad inference = NoGrad.Begin();
        _evaluations++;
        return function(arguments).Value.AsSpan<double>().ToArray();
    }

    private GradientFinding CheckEntries(Block block, Pass reference, double smallestScale, uint number)
    {
        long[] entries = Entries(block.Count, number);
        // This unit only sets how exact the numeric derivative must be. A wrong analytic gradient that is too large makes it less exact,
        // but never makes the two agree.
        double unit = Math.Max(block.Members.Max(member => Largest(reference.Gradients[member])), smallestScale);
        NumericDerivative[] numeric =
            [.. entries.Select(entry => EntryDerivative(block, entry, reference.Output, options.Tolerance * unit / 4))];
        double scale = Math.Max(unit, numeric.Max(derivative => Math.Abs(derivative.Value)));
        GradientFinding? worst = null;
        int undecided = 0;
        for (int i = 0; i < entries.Length; i++)
        {
            (int member, long index) = Locate(block, entries[i]);
            double analytic = reference.Gradients[member][index];
            GradientFinding finding = Judge(
                GradientChecks.Entries, analytic, numeric[i], scale, entries.Length, Where(block, member, index), entries[i]);
            if (finding.Verdict == GradientVerdict.Undecided)
                undecided++;
            if (worst is null || (finding.Verdict, finding.Share).CompareTo((worst.Verdict, worst.Share)) > 0)
                worst = finding;
        }
        if (worst!.Verdict == GradientVerdict.Undecided && undecided <= (int)(options.MaxUndecided * entries.Length))
            worst = worst with { Verdict = GradientVerdict.Agrees };
        return worst with { Undecided = undecided, ShortSteps = numeric.Count(derivative => derivative.IsShortStep) };
    }

    private GradientFinding Judge(
        GradientChecks check, double analytic, NumericDerivative numeric, double scale, long entries, string where, long index)
    {
        double error = Relative(analytic - numeric.Value, scale), estimate = Relative(numeric.Error, scale);
        GradientVerdict verdict = error > options.Tolerance + estimate ? GradientVerdict.Differs
            : estimate > options.Tolerance ? GradientVerdict.Undecided : GradientVerdict.Agrees;
        // A NaN or infinite gradient always differs, however inexact the numeric derivative is.
        if (!double.IsFinite(analytic) || double.IsNaN(numeric.Value))
            (error, estimate, verdict) = (double.PositiveInfinity, 0, GradientVerdict.Differs);
        return new GradientFinding(check, verdict, error, options.Tolerance, estimate, where, index, analytic, numeric.Value, entries);
    }

    private NumericDerivative EntryDerivative(Block block, long entry, double[] origin, double wanted)
    {
        (int member, long index) = Locate(block, entry);
        Tensor value = arguments[member].Value;
        double x = value[index], step = options.Step * Math.Max(1, Math.Pow(2, Math.Floor(Math.Log2(Math.Max(Math.Abs(x), 1)))));
        try
        {
            return NumericDerivative.Along(
                t =>
                {
                    value[index] = x + t;
                    return value[index] - x;
                },
                Evaluate, origin, _weights, step, wanted);
        }
        finally
        {
            value[index] = x;
        }
    }

    private GradientFinding CheckDirection(Block block, Pass reference, double smallestNorm, uint number)
    {
        // Numbers of few digits, none near 0, so that a step from a float32 number is exact and every entry counts.
        double[][] direction = [.. block.Members.Select((member, place) =>
        {
            var key = new RandomKey(options.Seed, 2 + 16 * number, (uint)place);
            return Enumerable.Range(0, checked((int)arguments[member].Value.Count))
                .Select(i => key.Integer((ulong)i, 32) is var draw && draw < 16 ? (draw + 8) / 16.0 : -(draw - 8) / 16.0).ToArray();
        })];
        double analytic = 0;
        for (int i = 0; i < direction.Length; i++)
            for (int j = 0; j < direction[i].Length; j++)
                analytic += direction[i][j] * reference.Gradients[block.Members[i]][j];
        double scale = Math.Max(Norm(block, reference), smallestNorm);
        double[][] origin = [.. block.Members.Select(member => arguments[member].Value.AsSpan<double>().ToArray())];
        NumericDerivative numeric;
        try
        {
            numeric = NumericDerivative.Along(
                t =>
                {
                    for (int i = 0; i < direction.Length; i++)
                        TensorPrimitives.MultiplyAdd(direction[i], t, origin[i], arguments[block.Members[i]].Value.AsSpan<double>());
                    return t;
                },
                Evaluate, reference.Output, _weights, options.Step, options.Tolerance * scale / 4);
        }
        finally
        {
            for (int i = 0; i < origin.Length; i++)
                origin[i].CopyTo(arguments[block.Members[i]].Value.AsSpan<double>());
        }
        return Judge(GradientChecks.Direction, analytic, numeric, scale, block.Count, "all", -1) with { ShortSteps = numeric.IsShortStep
            ? 1
            : 0 };
    }

    private GradientFinding CheckView(Block block, Pass reference, double smallestScale)
    {
        const int Before = 3, After = 2;
        Variable[] leaves = [.. arguments];
        foreach (int member in block.Members)
        {
            int count = checked((int)arguments[member].Value.Count);
            Tensor surrounded = Tensor.Full([Before + count + After], double.NaN, DType.Float64);
            arguments[member].Value.AsSpan<double>().CopyTo(surrounded.AsSpan<double>()[Before..]);
            leaves[member] = new Variable(surrounded.Slice(Before, count), requiresGradient: true, arguments[member].Name);
        }
        Pass got = Differentiate(
            () =>
            {
                Variable[] views = [.. leaves.Select((leaf, i) =>
                    ReferenceEquals(leaf, arguments[i]) ? leaf : Variable.Apply(new Reshape(arguments[i].Shape), leaf))];
                Variable output = function(views);
                return Variable.Apply(new Reshape([checked((int)output.Value.Count)]), output);
            },
            leaves: leaves);
        return Compare(GradientChecks.View, block, got, reference, smallestScale, isBitwise: false);
    }

    /// <summary>
    /// Compares two passes that should agree, by the gradients of a block and by the outputs, and reports the worse difference.
    /// </summary>
    private GradientFinding Compare(GradientChecks check, Block block, Pass got, Pass expected, double smallestScale, bool isBitwise)
    {
        double tolerance = isBitwise ? 0 : options.Rounding;
        double scale = Math.Max(block.Members.Max(member => Largest(expected.Gradients[member])), smallestScale);
        var worst = new GradientFinding(check, GradientVerdict.Agrees, 0, tolerance, 0, "all", -1, 0, 0, block.Count);
        foreach (int member in block.Members)
            worst = Worse(worst, got.Gradients[member], expected.Gradients[member], scale, index => Where(block, member, index));
        // A view must give the output of a copy. Where the function is applied twice, comparing outputs proves nothing.
        if (check is GradientChecks.Repeat or GradientChecks.View)
            worst = Worse(worst, got.Output, expected.Output, Largest(expected.Output), index => $"output entry {index}");
        return worst.Error > tolerance ? worst with { Verdict = GradientVerdict.Differs } : worst;
    }

    private static GradientFinding Worse(GradientFinding worst, double[] got, double[] expected, double scale, Func<long, string> where)
    {
        for (int i = 0; i < got.Length; i++)
        {
            if (BitConverter.DoubleToInt64Bits(got[i]) == BitConverter.DoubleToInt64Bits(expected[i]))
                continue;
            double error = Relative(got[i] - expected[i], scale);
            // Equal gradients can still differ in the sign of a zero, that is in bits. Count that as the smallest possible error.
            if (worst.Tolerance == 0)
                error = Math.Max(error, double.Epsilon);
            if (error > worst.Error)
                worst = worst with { Error = error, Where = where(i), Index = i, Analytic = got[i], Expected = expected[i] };
        }
        return worst;
    }

    private static double Relative(double difference, double scale) =>
        double.IsNaN(difference) ? double.PositiveInfinity : difference == 0 ? 0 : Math.Abs(difference) / scale;

    /// <summary>All entries, or one drawn from each of several runs of equal length.</summary>
    private long[] Entries(long count, uint argument)
    {
        if (count <= options.MaxEntries)
            return [.. Enumerable.Range(0, (int)count)];
        var key = new RandomKey(options.Seed, 1, argument);
        double run = (double)count / options.MaxEntries;
        return [.. Enumerable.Range(0, options.MaxEntries).Select(i => Math.Min(count - 1, (long)((i + key.Uniform((ulong)i)) * run)))];
    }

    private (int Member, long Index) Locate(Block block, long entry)
    {
        foreach (int member in block.Members)
        {
            if (entry < arguments[member].Value.Count)
                return (member, entry);
            entry -= arguments[member].Value.Count;
        }
        throw new ArgumentOutOfRangeException(nameof(entry), entry, $"{block.Name} has {block.Count} entries");
    }

    private string Where(Block block, int member, long index)
    {
        Shape shape = arguments[member].Shape;
        var coordinates = new long[shape.Rank];
        for (int i = shape.Rank - 1; i >= 0; i--)
            (index, coordinates[i]) = Math.DivRem(index, shape[i]);
        string text = $"({string.Join(',', coordinates)})";
        return block.Members.Count == 1 ? text : $"{NameOf(member)} {text}";
    }

    private static double Largest(double[] values)
    {
        double largest = 0;
        foreach (double value in values)
            largest = Math.Max(largest, Math.Abs(value));
        return double.IsFinite(largest) ? largest : 0;
    }

    private static double Norm(Block block, Pass pass)
    {
        double squares = block.Members.Sum(member => pass.Gradients[member].Sum(value => value * value));
        return double.IsFinite(squares) ? Math.Sqrt(squares) : 0;
    }

    private static Pass Scaled(Pass pass, double factor) =>
        pass with { Gradients = [.. pass.Gradients.Select(gradient => gradient.Select(value => factor * value).ToArray())] };

    private static double[] Normal(long count, RandomKey key, double scale) =>
        [.. Enumerable.Range(0, checked((int)count)).Select(i => scale * key.Normal((ulong)i))];
}
