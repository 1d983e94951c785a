using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Cases;

/// <summary>
/// A module or network in float32 on a device against its analytic gradients in double. Its tolerance is that of golden cases: four times
/// what the processor's float32 is off, so that a device may not be worse than a plain implementation.
/// </summary>
internal static class NetworkCheck
{
    /// <summary>One line for the output and one per argument.</summary>
    /// <param name="create">Makes the module and its input in an element type on a device.</param>
    /// <param name="device">Where the kernels run.</param>
    public static IReadOnlyList<GradCheckLine> Run(Func<DType, Device, DifferentiableCase> create, Device device)
    {
        List<(string Name, Tensor Value)> exact = Differentiate(create(DType.Float64, Device.Cpu), Device.Cpu);
        List<(string Name, Tensor Value)> plain = Differentiate(create(DType.Float32, Device.Cpu), Device.Cpu);
        DifferentiableCase onDevice = create(DType.Float32, device);
        List<(string Name, Tensor Value)> got = Differentiate(onDevice, device), again = Differentiate(onDevice, device);
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

    /// <summary>Output and gradients, on the processor, in memory of their own.</summary>
    private static List<(string Name, Tensor Value)> Differentiate(DifferentiableCase item, Device device)
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        foreach (Variable argument in item.Arguments)
            argument.ClearGradient();
        Variable output = item.Function().Keep();
        output.Backward(OperatorCase.CreateCotangent(output.Shape, output.Value.DType).To(device));
        var results = new List<(string, Tensor)> { ("output", Read(output.Value)) };
        results.AddRange(item.Arguments.Zip(item.Names, (argument, name) => (name, argument.Gradient is { } gradient
            ? Read(gradient)
            : throw new CaseException($"{name}: backward gave no gradient on {device}"))));
        foreach (Variable argument in item.Arguments)
            argument.ClearGradient();
        return results;
    }

    private static Tensor Read(Tensor tensor) => tensor.To(Device.Cpu).ClonePersistent();
}
