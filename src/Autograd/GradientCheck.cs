using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>How a gradient check goes about it.</summary>
public sealed record GradientCheckOptions
{
    /// <summary>Largest error that passes, relative to the largest entry of the argument's gradient.</summary>
    public double Tolerance { get; init; } = 1e-7;

    /// <summary>Entries of an argument that are checked; of larger arguments that many are drawn, spread over all of it.</summary>
    public int MaxEntries { get; init; } = 100;

    /// <summary>The first difference step, relative to max(1, |x|); it shrinks where the function bends or has a kink.</summary>
    public double Step { get; init; } = 1e-4;

    /// <summary>Seed of the output weights g and of the choice of entries.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Names of the arguments in the report, one each; null for the variables' own, which for parameters lack the path.</summary>
    public IReadOnlyList<string>? Names { get; init; }
}

/// <summary>The verdict on one argument.</summary>
public enum GradientVerdict
{
    /// <summary>Analytic and numeric gradient agree.</summary>
    Agrees,

    /// <summary>They differ by more than the tolerance, and the numeric one is sure of itself.</summary>
    Differs,

    /// <summary>They differ, but the numeric one's own error estimate is no smaller: a kink, or too much rounding.</summary>
    Unresolved,
}

/// <summary>What the check found for one argument.</summary>
/// <param name="Name">The variable's name, or its position.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="EntriesChecked">How many entries were checked.</param>
/// <param name="Error">The largest error, relative to the largest entry of the gradient.</param>
/// <param name="Index">Row-major position of that error.</param>
/// <param name="Analytic">The analytic derivative there.</param>
/// <param name="Numeric">The numeric one.</param>
/// <param name="NumericError">The numeric derivative's own estimate of its error there, relative as <paramref name="Error"/>.</param>
/// <param name="Verdict">Whether they agree.</param>
public sealed record ArgumentGradientCheck(
    string Name, Shape Shape, int EntriesChecked, double Error, long Index, double Analytic, double Numeric, double NumericError,
    GradientVerdict Verdict)
{
    /// <inheritdoc />
    public override string ToString() => FormattableString.Invariant(
        $"{Name} {Shape}: {Verdict}, error {Error:E1} at {Index} (analytic {Analytic:G9}, numeric {Numeric:G9} +- {NumericError:E0}), {EntriesChecked} entries");
}

/// <summary>What the check found for all arguments.</summary>
/// <param name="Arguments">One entry per argument, in their order.</param>
/// <param name="Evaluations">How often the function was evaluated.</param>
public sealed record GradientCheckResult(IReadOnlyList<ArgumentGradientCheck> Arguments, int Evaluations)
{
    /// <summary>Whether every argument's gradients agree.</summary>
    public bool Passed => Arguments.All(argument => argument.Verdict == GradientVerdict.Agrees);

    /// <summary>The argument with the largest error.</summary>
    public ArgumentGradientCheck Worst => Arguments.MaxBy(argument => argument.Error)!;
}

/// <summary>
/// Compares the gradients of reverse mode with central differences in double. The scalar that is differentiated is sum(output * g) with
/// fixed normal g: the plain sum of the outputs would hide errors of softmax and norms, whose outputs sum to constants.
/// </summary>
/// <remarks>
/// The derivative along an entry is D(h) = sum((f(x+h) - f(x-h)) * g) / 2h, taken at h and 2h: their Richardson combination
/// (4 D(h) - D(2h)) / 3 has an error of order h^4, and its distance from D(h) bounds it. If that is not far below the tolerance the step
/// shrinks, and the step with the smallest estimate counts; the choice never looks at the analytic gradient.
/// </remarks>
/// <example><code>
/// var x = new Variable(Tensor.From([0.5, -1.0, 2.0], [1, 3]), requiresGradient: true, "x");
/// GradientCheckResult result = GradientCheck.Run(() => Variable.Apply(new Softmax(), x), [x]);
/// if (!result.Passed)
///     Console.WriteLine(result.Worst);
/// </code></example>
public static class GradientCheck
{
    private const int StepReductions = 3;

    // Gradients of arguments are compared relative to at least this share of the largest gradient entry of any argument: one that is zero
    // in exact arithmetic (the bias of keys in attention) has only rounding as a scale of its own.
    private const double SmallestScale = 1e-3;

    /// <summary>Checks the gradients of a function.</summary>
    /// <param name="function">Computes the output from the arguments and whatever else it captures; called many times, so it must not draw new random numbers.</param>
    /// <param name="arguments">Leaves of float64 that require gradients; their entries are changed during the check, and put back.</param>
    /// <param name="options">Tolerance, entries, seed.</param>
    /// <exception cref="ArgumentException">An argument is not a float64 leaf that requires a gradient, or there is none.</exception>
    public static GradientCheckResult Run(Func<Variable> function, IReadOnlyList<Variable> arguments, GradientCheckOptions? options = null)
    {
        options ??= new GradientCheckOptions();
        if (arguments.Count == 0)
            throw new ArgumentException("GradientCheck: no arguments, expected at least one", nameof(arguments));
        for (int i = 0; i < arguments.Count; i++)
            if (arguments[i].Value.DType != DType.Float64 || !arguments[i].RequiresGradient || arguments[i].Producer is not null)
                throw new ArgumentException(
                    $"GradientCheck: argument {i} is {arguments[i]}, expected a float64 leaf that requires a gradient", nameof(arguments));
        using var arena = new StepArena();
        return new Check(function, arguments, options, arena).Run();
    }

    private sealed class Check(Func<Variable> function, IReadOnlyList<Variable> arguments, GradientCheckOptions options, StepArena arena)
    {
        private double[] _weights = [];
        private int _evaluations;

        public GradientCheckResult Run()
        {
            double[][] analytic = Analytic();
            double largest = analytic.Max(gradient => gradient.Length == 0 ? 0 : gradient.Max(Math.Abs));
            var results = new ArgumentGradientCheck[arguments.Count];
            for (int i = 0; i < results.Length; i++)
                results[i] = CheckArgument(i, analytic[i], SmallestScale * largest);
            return new GradientCheckResult(results, _evaluations);
        }

        /// <summary>The gradients of reverse mode; zeros for an argument that it does not reach.</summary>
        private double[][] Analytic()
        {
            using StepArena.StepScope step = arena.BeginStep();
            foreach (Variable argument in arguments)
                argument.ClearGradient();
            Variable output = function();
            var key = new RandomKey(options.Seed, 0, 0);
            _weights = [.. Enumerable.Range(0, checked((int)output.Value.Count)).Select(i => key.Normal((ulong)i))];
            output.Backward(Tensor.From(_weights, output.Shape));
            double[][] gradients = [.. arguments.Select(argument =>
                argument.Gradient?.AsSpan<double>().ToArray() ?? new double[argument.Value.Count])];
            foreach (Variable argument in arguments)
                argument.ClearGradient();
            return gradients;
        }

        private ArgumentGradientCheck CheckArgument(int number, double[] analytic, double smallestScale)
        {
            Variable argument = arguments[number];
            long[] entries = Entries(analytic.Length, (uint)number + 1);
            // The scale by which steps are judged: the analytic gradient only sets the unit, and a wrong one that is too large would
            // only make the numeric side less precise, never make the two agree.
            double unit = Math.Max(analytic.Length == 0 ? 0 : analytic.Max(Math.Abs), smallestScale);
            (double Value, double Error)[] numeric = [.. entries.Select(entry => Derivative(argument.Value, entry, options.Tolerance * unit / 4))];
            double scale = Math.Max(unit, numeric.Length == 0 ? 0 : numeric.Max(derivative => Math.Abs(derivative.Value)));
            var worst = new ArgumentGradientCheck(
                options.Names?[number] ?? argument.Name ?? $"argument {number}", argument.Shape, entries.Length, 0, 0, 0, 0, 0, GradientVerdict.Agrees);
            for (int i = 0; i < entries.Length; i++)
            {
                double expected = numeric[i].Value, got = analytic[entries[i]], difference = Math.Abs(got - expected);
                double error = difference == 0 ? 0 : difference / scale, estimate = numeric[i].Error == 0 ? 0 : numeric[i].Error / scale;
                GradientVerdict verdict = error <= options.Tolerance ? GradientVerdict.Agrees
                    : estimate >= error ? GradientVerdict.Unresolved : GradientVerdict.Differs;
                // A NaN agrees with nothing.
                if (double.IsNaN(error))
                    (error, verdict) = (double.PositiveInfinity, GradientVerdict.Differs);
                if (i == 0 || error > worst.Error)
                    worst = worst with
                    {
                        Error = error, Index = entries[i], Analytic = got, Numeric = expected, NumericError = estimate, Verdict = verdict,
                    };
            }
            return worst;
        }

        /// <summary>All entries, or one drawn from each of equal runs of them.</summary>
        private long[] Entries(long count, uint argument)
        {
            if (count <= options.MaxEntries)
                return [.. Enumerable.Range(0, (int)count)];
            var key = new RandomKey(options.Seed, 1, argument);
            double run = (double)count / options.MaxEntries;
            return [.. Enumerable.Range(0, options.MaxEntries).Select(i => Math.Min(count - 1, (long)((i + key.Uniform((ulong)i)) * run)))];
        }

        private (double Value, double Error) Derivative(Tensor value, long entry, double wanted)
        {
            double x = value[entry], h = options.Step * Math.Max(1, Math.Abs(x));
            (double Value, double Error) best = (double.NaN, double.PositiveInfinity);
            for (int reduction = 0; reduction <= StepReductions; reduction++, h /= 10)
            {
                double near = Difference(value, entry, x, h), far = Difference(value, entry, x, 2 * h);
                double combined = (4 * near - far) / 3, error = Math.Abs(combined - near);
                if (error < best.Error || double.IsNaN(best.Value))
                    best = (combined, error);
                if (best.Error <= wanted)
                    break;
            }
            return best;
        }

        private double Difference(Tensor value, long entry, double x, double h)
        {
            try
            {
                value[entry] = x + h;
                double[] above = Evaluate();
                double up = value[entry];
                value[entry] = x - h;
                double[] below = Evaluate();
                double sum = 0;
                // Differences first: the sums of f(x+h) and f(x-h) would round away most of what tells them apart.
                for (int i = 0; i < above.Length; i++)
                    sum += (above[i] - below[i]) * _weights[i];
                return sum / (up - value[entry]);
            }
            finally
            {
                value[entry] = x;
            }
        }

        private double[] Evaluate()
        {
            using StepArena.StepScope step = arena.BeginStep();
            using NoGrad inference = NoGrad.Begin();
            _evaluations++;
            return function().Value.AsSpan<double>().ToArray();
        }
    }
}
