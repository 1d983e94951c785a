using System.Globalization;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>Compares an operator's kernels, in float32, with its rule on the CPU in float64.</summary>
/// <param name="op">The operator.</param>
/// <param name="inputs">Its inputs on the CPU: floating-point ones as float64.</param>
/// <param name="device">The CUDA device.</param>
internal sealed class DeviceComparison(Operator op, IReadOnlyList<Tensor?> inputs, Device device)
{
    // Relative to the largest number of a tensor. The error of a float32 sum of some thousand terms is smaller; that of a wrong formula is
    // not.
    private const double Tolerance = 1e-4;

    /// <summary>The differences, one line each; empty if there are none.</summary>
    public IReadOnlyList<string> Run()
    {
        var findings = new List<string>();
        // The kernels and the CPU's rule both get numbers that float32 represents exactly.
        Tensor?[] rounded = [.. inputs.Select(input => input is { DType: DType.Float64 } ? input.To(DType.Float32) : input)];
        (Tensor output, Tensor?[] once) = Differentiate([.. rounded.Select(input => Wide(input))], passes: 1);
        (Tensor there, Tensor?[] first) = Differentiate([.. rounded.Select(input => input?.To(device))], passes: 1);
        (_, Tensor?[] second) = Differentiate([.. rounded.Select(input => input?.To(device))], passes: 2);
        Compare("output", output, there, 1, findings);
        for (int i = 0; i < inputs.Count; i++)
        {
            Compare($"gradient of input {i}", once[i], first[i], 1, findings);
            // A second backward pass accumulates into the existing gradient.
            Compare($"gradient of input {i}, added up over two passes", once[i], second[i], 2, findings);
        }
        return findings;
    }

    private static Tensor? Wide(Tensor? tensor) => tensor is { DType: DType.Float32 } ? tensor.To(DType.Float64) : tensor;

    private (Tensor Output, Tensor?[] Gradients) Differentiate(Tensor?[] tensors, int passes)
    {
        Variable?[] variables = [.. tensors.Select(tensor => tensor is null ? null : new Variable(tensor, tensor.DType.IsFloat()))];
        Variable output = null!;
        for (int pass = 0; pass < passes; pass++)
        {
            output = Variable.Apply(op, variables).Keep();
            Tensor cotangent = Tensor.Normal(output.Shape, 1, DType.Float32, Device.Cpu);
            output.Backward((output.Value.DType == DType.Float64 ? cotangent.To(DType.Float64) : cotangent).To(output.Value.Device));
        }
        return (output.Value, [.. variables.Select(variable => variable?.Gradient)]);
    }

    private void Compare(string what, Tensor? expected, Tensor? got, double factor, List<string> findings)
    {
        if (expected is null && got is null)
            return;
        if (expected is null || got is null || expected.Shape != got.Shape)
        {
            findings.Add(
                $"{what}: {got?.Shape.ToString() ?? "none"} on {device}, expected {expected?.Shape.ToString() ?? "none"} as on cpu");
            return;
        }
        Tensor there = got.To(Device.Cpu);
        double largest = 0, worst = -1;
        long place = 0;
        for (long i = 0; i < expected.Count; i++)
        {
            largest = Math.Max(largest, Math.Abs(factor * expected[i]));
            double difference = Math.Abs(there[i] - factor * expected[i]);
            // A NaN on one side only counts as an infinite difference.
            if (double.IsNaN(difference))
                difference = double.IsNaN(there[i]) && double.IsNaN(expected[i]) ? 0 : double.PositiveInfinity;
            if (difference > worst)
                (worst, place) = (difference, i);
        }
        if (worst > Tolerance * largest)
            findings.Add(string.Create(CultureInfo.InvariantCulture,
                $"{what}: {there[place]:G9} at element {place} on {device}, expected {factor * expected[place]:G9} as on cpu, ")
                + string.Create(CultureInfo.InvariantCulture, $"{worst:E1} apart of {Tolerance * largest:E1} allowed"));
    }
}
