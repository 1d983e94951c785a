using CsUnet.Autograd;
using CsUnet.Tensors;
using Results = System.Collections.Generic.List<(string Name, CsUnet.Tensors.Tensor Value)>;

namespace CsUnet.Verification;

/// <summary>
/// Compares a module or network in float32 on a device with its analytic gradients in double. The tolerance is that of golden cases: four
/// times the error of the CPU's float32.
/// </summary>
internal static class NetworkCheck
{
    private const int FewEntries = 1024;

    /// <summary>One line for the output and one per argument.</summary>
    /// <param name="create">Creates the module and its input in an element type on a device.</param>
    /// <param name="device">Where the kernels run.</param>
    public static IReadOnlyList<GradCheckLine> Run(Func<DType, Device, DifferentiableCase> create, Device device)
    {
        Results exact = Differentiate(create(DType.Float64, Device.Cpu), Device.Cpu);
        Results plain = Differentiate(create(DType.Float32, Device.Cpu), Device.Cpu);
        DifferentiableCase onDevice = create(DType.Float32, device);
        Results got = Differentiate(onDevice, device), again = Differentiate(onDevice, device);
        double norm = exact.Max(result => Comparison.Norm(result.Value));
        var lines = new List<GradCheckLine>();
        for (int i = 0; i < exact.Count; i++)
        {
            (string name, Tensor reference) = exact[i];
            bool isZero = Comparison.LargestEntry(reference) < Tolerances.ZeroGradient * norm;
            double? scale = isZero ? Tolerances.ZeroGradientScale * norm : null;
            double tolerance = Tolerances.Golden(DType.Float32, Comparison.Of(name, plain[i].Value, reference, 0, scale).Error);
            Comparison comparison = Comparison.Of(name, got[i].Value, reference, tolerance, scale);
            Comparison repeated = Comparison.Of(name, again[i].Value, got[i].Value, 0);
            string? failure = !comparison.IsWithin ? $"double: {comparison}" : !repeated.IsWithin ? $"repeat: {repeated}" : null;
            lines.Add(new GradCheckLine(name, comparison.IsWithin && !repeated.IsWithin ? "repeat" : "double", comparison.Error,
                comparison.Error / tolerance, reference.Count, 0, 0, comparison.Index, failure));
        }
        return lines;
    }

    /// <summary>
    /// A network in tf32 or bf16, or a large one in float32. A rectifier that rounding switches changes the earlier gradients, and the
    /// worst of a million entries is the worst-conditioned one: single entries mean little. A tensor's error is the norm of the difference
    /// over its own norm, compared with the error of <see cref="ReferenceArithmetic"/> or, in float32, of the CPU.
    /// </summary>
    /// <param name="create">Creates the network and its input.</param>
    /// <param name="precision">The precision.</param>
    /// <param name="device">Where the kernels run.</param>
    public static IReadOnlyList<GradCheckLine> Run(NetworkFactory create, Precision precision, Device device)
    {
        Results exact = Differentiate(create(DType.Float64, Precision.Fp32, Device.Cpu), Device.Cpu), plain;
        if (precision == Precision.Fp32)
            plain = Differentiate(create(DType.Float32, precision, Device.Cpu), Device.Cpu);
        else
            using (OperatorSubstitution.Begin(new ReferenceArithmetic(precision).ApplyInNetwork))
                plain = Differentiate(create(DType.Float64, Precision.Fp32, Device.Cpu), Device.Cpu);
        DifferentiableCase onDevice = create(DType.Float32, precision, device);
        Results got = Differentiate(onDevice, device), again = Differentiate(onDevice, device);
        double norm = exact.Max(result => Comparison.Norm(result.Value));
        var lines = new List<GradCheckLine>();
        foreach (IGrouping<string, int> group in Enumerable.Range(0, exact.Count).GroupBy(i => JudgedWith(exact[i].Name, exact[i].Value)))
        {
            string name = group.Key;
            double length = Length(i => Comparison.Norm(exact[i].Value));
            double scale = length < Tolerances.ZeroGradient * norm ? Tolerances.ZeroGradientScale * norm : length;
            double error = Length(i => Comparison.Distance(got[i].Value, exact[i].Value)) / scale;
            double plainError = Length(i => Comparison.Distance(plain[i].Value, exact[i].Value)) / scale;
            long entries = group.Sum(i => exact[i].Value.Count);
            double tolerance = precision == Precision.Fp32
                ? Tolerances.Golden(DType.Float32, plainError)
                : Tolerances.ReducedLength(precision, plainError, entries);
            Comparison? other = group.Select(i => Comparison.Of(exact[i].Name, again[i].Value, got[i].Value, 0))
                .FirstOrDefault(repeated => !repeated.IsWithin);
            string? failure = error > tolerance
                ? FormattableString.Invariant(
                    $"length: the error of {name} is {error:E2} times as long as it, allowed {tolerance:E2}; ")
                    + FormattableString.Invariant($"the reference arithmetic's is {plainError:E2}")
                : other is null ? null : $"repeat: {other}";
            lines.Add(new GradCheckLine(name, error <= tolerance && other is not null ? "repeat" : "length", error, error / tolerance,
                entries,
                0, 0, FormattableString.Invariant($"all of it; plain {plainError:0.0E+00}"), failure));

            double Length(Func<int, double> of) => Math.Sqrt(group.Sum(i => of(i) * of(i)));
        }
        return lines;
    }

    /// <summary>Small tensors of one part of a large network are compared as one: errors of a few entries are too random.</summary>
    private static string JudgedWith(string name, Tensor tensor)
    {
        string[] path = name.Split('.');
        return tensor.Count < FewEntries && path.Length > 3 ? $"{string.Join('.', path.Take(3))}, small ones" : name;
    }

    /// <summary>Output and gradients, copied to the CPU.</summary>
    private static Results Differentiate(DifferentiableCase item, Device device)
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        foreach (Variable argument in item.Arguments)
            argument.ClearGradient();
        Variable output = item.Function().Keep();
        output.Backward(OperatorCase.CreateCotangent(output.Shape, output.Value.DType).To(device));
        var results = new Results { ("output", Read(output.Value)) };
        results.AddRange(item.Arguments.Zip(item.Names, (argument, name) => (name, argument.Gradient is { } gradient
            ? Read(gradient)
            : throw new CaseException($"{name}: backward gave no gradient on {device}"))));
        foreach (Variable argument in item.Arguments)
            argument.ClearGradient();
        return results;
    }

    private static Tensor Read(Tensor tensor) => tensor.To(Device.Cpu).ClonePersistent();
}
