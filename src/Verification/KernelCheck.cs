using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;
using Results = System.Collections.Generic.IReadOnlyList<(string Name, CsUnet.Tensors.Tensor Value)>;

namespace CsUnet.Verification;

/// <summary>
/// Compares an operator's kernels in a precision with the analytic gradients in double, with the tolerance of the case: output, gradients,
/// and the further checks of <see cref="GradientCheck"/>: repeated bits, accumulated gradients, tensors used twice, views.
/// </summary>
internal sealed class KernelCheck(OperatorCase item, Precision precision, Device device)
{
    private readonly List<Finding> _findings = [];

    private sealed record Finding(string Check, Comparison Comparison, long Entries);

    /// <summary>One line per result: the output, each input's gradient, each statistic that the forward pass updates.</summary>
    /// <exception cref="ShapeException">The operator does not support the precision.</exception>
    public IReadOnlyList<GradCheckLine> Run()
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        using PrecisionScope products = precision.Use(device);
        Results got = Run(item);
        CompareWithDouble(got);
        Compare("repeat", Run(item), got, _ => 0);
        if (item.Inputs.Any(input => input is { NeedsGradient: true }))
            CompareGraphs(got);
        return [.. _findings.GroupBy(finding => finding.Comparison.Tensor).Select(Line)];
    }

    private Results Run(OperatorCase some) => OnProcessor(some.RunWithGradients(precision.ActivationType(), device));

    private void CompareWithDouble(Results got)
    {
        Results exact = OnProcessor(item.RunWithGradients(DType.Float64));
        if (precision == Precision.Fp32)
        {
            Compare("double", got, exact, _ => Tolerances.Float32(item.Exactness));
            return;
        }
        Results plain = OnProcessor(item.RunReference(precision));
        // The reference arithmetic rounds the operands of an operator's first product, and with several layers those of each layer.
        int layers = Math.Max(1, item.Inputs.Count(input => input is { Role: InputRole.MatrixWeight }));
        if (item.Exactness == Exactness.Moves)
            Compare("double", got, plain, _ => 0);
        else
            Compare("double", got, exact, name =>
                layers * Tolerances.Reduced(precision, Comparison.Of(name, Find(plain, name), Find(exact, name), 0).Error));
    }

    /// <summary>The reference for sums of gradients is the kernels' own result: only the last addition may round differently.</summary>
    private void CompareGraphs(Results got)
    {
        Compare("accumulate", Gradients(passes: 2), Sum(got, got), Rounding);
        Results start = [.. got.Select((result, i) => (result.Name,
            Scaled(OperatorCase.CreateCotangent(result.Value.Shape, result.Value.DType), Comparison.LargestEntry(result.Value))))];
        Compare("start", Gradients(start: start), Sum(got, start), Rounding);
        Compare("used twice", Gradients(isTwice: true), Sum(got, got), Rounding);
        Compare("view", Gradients(isView: true), got, Rounding);

        double Rounding(string name) => Tolerances.GradientSum(Find(got, name).DType);
    }

    private static Tensor Find(Results results, string name) => results.First(result => result.Name == name).Value;

    private static GradCheckLine Line(IGrouping<string, Finding> findings)
    {
        Finding worst = findings.OrderByDescending(finding => Share(finding.Comparison)).First();
        Finding[] failed = [.. findings.Where(finding => !finding.Comparison.IsWithin)];
        return new GradCheckLine(
            findings.Key, worst.Check, worst.Comparison.Error, Share(worst.Comparison), worst.Entries, 0, 0, worst.Comparison.Index,
            failed.Length == 0 ? null : string.Join("; ", failed.Select(finding => $"{finding.Check}: {finding.Comparison}")));
    }

    private static double Share(Comparison comparison) =>
        comparison.Error == 0 ? 0 : comparison.Tolerance > 0 ? comparison.Error / comparison.Tolerance : double.PositiveInfinity;

    private void Compare(string check, Results got, Results expected, Func<string, double> tolerance)
    {
        // The only scale of a gradient that is zero in exact arithmetic is its rounding error.
        double norm = expected.Where(result => result.Value.DType.IsFloat()).Max(result => Comparison.Norm(result.Value));
        foreach ((string name, Tensor value) in got)
        {
            Tensor reference = Find(expected, name);
            bool isZero = Comparison.LargestEntry(reference) < Tolerances.ZeroGradient * norm;
            _findings.Add(new Finding(
                check, Comparison.Of(name, value, reference, tolerance(name), isZero ? Tolerances.ZeroGradientScale * norm : null),
                value.Count));
        }
    }

    /// <summary>The gradients by name after one or two backward passes, for one position of the operator in a graph.</summary>
    private Results Gradients(int passes = 1, Results? start = null, bool isTwice = false, bool isView = false)
    {
        Variable?[] inputs = item.CreateInputs(precision.ActivationType(), device);
        if (isView)
            inputs = [.. inputs.Select(input => input is { RequiresGradient: true } ? InMiddle(input) : input)];
        foreach (Variable input in inputs.OfType<Variable>().Where(input => start is not null && input.RequiresGradient))
        {
            // A view passes its gradient on to the leaf.
            Tensor there = Find(start!, $"gradient of {input.Name}");
            Flat(input).Backward(there.Reshape([checked((int)there.Count)]).Clone().To(device));
        }
        for (int pass = 0; pass < passes; pass++)
        {
            Variable?[] used = isTwice || isView
                ? [.. inputs.Select((input, i) => input is { RequiresGradient: true }
                    ? Reshaped(Flat(input), item.Inputs[i]!.Shape)
                    : input)]
                : inputs;
            Variable output = Variable.Apply(item.Op, used);
            if (isTwice)
                output = Variable.Apply(new Add(), output, Variable.Apply(item.Op, used));
            if (isView)
                output = Flat(output);
            output.Backward(OperatorCase.CreateCotangent(output.Shape, output.Value.DType).To(device));
        }
        return OnProcessor([.. inputs.OfType<Variable>().Where(input => input.RequiresGradient)
            .Select(input =>
                ($"gradient of {input.Name}", input.Gradient!.Reshape(item.Inputs.First(other => other?.Name == input.Name)!.Shape)))]);
    }

    /// <summary>The same leaf as a view of the middle rows of a larger tensor full of NaN, as an image is a slice of its batch.</summary>
    private static Variable InMiddle(Variable input)
    {
        const int Before = 3, After = 2;
        int rows = input.Value.Shape.Rows, width = input.Value.Shape.Last;
        Tensor surrounded = Tensor.Full([Before + rows + After, width], double.NaN, input.Value.DType, input.Value.Device);
        Tensor slice = surrounded.Slice(Before, rows);
        slice.CopyFrom(input.Value);
        return new Variable(slice, requiresGradient: true, input.Name);
    }

    private static Variable Flat(Variable variable) => Reshaped(variable, [checked((int)variable.Value.Count)]);

    private static Variable Reshaped(Variable variable, Shape shape) => Variable.Apply(new Reshape(shape), variable);

    private static Results OnProcessor(Results results) =>
        [.. results.Select(result => (result.Name, result.Value.To(Device.Cpu).Clone()))];

    private static Results Sum(Results a, Results b) =>
        [.. a.Zip(b, (x, y) =>
        {
            Tensor sum = Tensor.Empty(x.Value.Shape, DType.Float64);
            for (long i = 0; i < sum.Count; i++)
                sum[i] = x.Value[i] + y.Value[i];
            return (x.Name, sum);
        })];

    private static Tensor Scaled(Tensor tensor, double factor)
    {
        for (long i = 0; i < tensor.Count; i++)
            tensor[i] *= factor == 0 ? 1 : factor;
        return tensor;
    }
}
