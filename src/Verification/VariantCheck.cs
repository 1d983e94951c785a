using System.Globalization;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Compares the variants of an operator with its usual one, on the same inputs and device. The usual one is what the other checks compare
/// with the double reference, at small shapes; this one is for the large shapes of a network, where that reference takes minutes.
/// </summary>
/// <param name="item">The operator and its inputs.</param>
/// <param name="type">Element type of the activations.</param>
/// <param name="device">Where.</param>
public sealed class VariantCheck(OperatorCase item, DType type, Device device)
{
    private readonly IReadOnlyList<(string Name, Tensor Value)> _usual = Run(item, type, device);

    /// <summary>Why a choice does not give the operator's result; null if it does.</summary>
    /// <exception cref="VariantNotTakenException">The variant does not take the inputs.</exception>
    public string? Problem(KernelChoice choice)
    {
        IReadOnlyList<(string Name, Tensor Value)> got;
        using (KernelChoices.Force(choice))
            got = Run(item, type, device);
        double tolerance = Tolerances.OtherVariant(type, NonDifferentiablePoints.IsRectified(item.Op)),
            largest = _usual.Max(result => Comparison.Norm(result.Value));
        for (int i = 0; i < got.Count; i++)
        {
            (string name, Tensor usual) = _usual[i];
            // A gradient that is zero in exact arithmetic consists of rounding, which is another one in every order.
            double length = Math.Max(Comparison.Norm(usual), Tolerances.ZeroGradientScale * largest);
            double error = Comparison.Distance(got[i].Value, usual);
            if (!(error <= tolerance * length))
                return string.Create(CultureInfo.InvariantCulture,
                    $"{item} by {choice}: the difference of {name} from the usual variant's is {error / length:E2} times as long as it, "
                    + $"allowed {tolerance:E2}");
        }
        return null;
    }

    /// <summary>Output and gradients on the CPU, in memory of their own.</summary>
    private static IReadOnlyList<(string Name, Tensor Value)> Run(OperatorCase item, DType type, Device device)
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        return [.. item.RunWithGradients(type, device).Select(result => (result.Name, result.Value.To(Device.Cpu).ClonePersistent()))];
    }
}
