using System.Globalization;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Keeps cases away from kinks, where rectifiers are not differentiable. For a rectifier of the operator's input, <see cref="Fill"/> draws
/// the input away from 0. A rectifier fused into an operator sees sums of inputs, so the case is redrawn until none of them is near 0.
/// </summary>
internal static class NonDifferentiablePoints
{
    // A difference step changes a rectified value by far less, and 24-bit rounding by even less.
    private const double NumericDistance = 1.0 / 4096;
    private const int Draws = 60;

    /// <summary>A case with rectified values away from the kink, and an explanation; the case itself if it has no rectifiers.</summary>
    /// <param name="item">The case.</param>
    /// <param name="precision">The precision whose rounding changes the values, in addition to a difference step.</param>
    public static (OperatorCase Case, string How) Avoid(OperatorCase item, Precision precision = Precision.Fp32)
    {
        if (!IsRectified(item.Op))
            return (item, string.Join("; ", item.Inputs.OfType<OperatorInput>().Select(Drawn).Where(text => text.Length > 0)));
        double distance = precision switch
        {
            Precision.Bf16 => 1.0 / 256,
            Precision.Tf32 => 1.0 / 1024,
            _ => NumericDistance,
        };
        string text = $"2^{Math.Log2(distance).ToString(CultureInfo.InvariantCulture)} of the largest";
        for (int draw = 0; draw < Draws; draw++)
        {
            OperatorCase drawn = draw == 0 ? item : item with { Label = $"{item.Label}, draw {draw}" };
            if (Rectified(drawn).All(values => Nearest(values) > distance * Comparison.LargestEntry(values)))
                return (drawn, $"no rectified value within {text} of 0{(draw == 0 ? "" : $", drawn {draw + 1} times")}");
        }
        if (item.Op is ConvBatchNormReLU op)
            return (item with { Op = op with { ReLU = false } }, $"without the rectifier: too many values to keep all {text} from 0");
        // The layers of a chain need their rectifiers. In double, a difference step at a kink shrinks; low-precision rounding does not.
        return precision == Precision.Fp32
            ? (item, "rectifiers between layers: the step shrinks where one switches")
            : throw new NonDifferentiablePointException($"no draw keeps the values between its layers {text} from 0");
    }

    /// <summary>Whether the operator applies rectifiers to sums of its inputs.</summary>
    public static bool IsRectified(Operator op) => op is ConvBatchNormReLU { ReLU: true } or ConvBatchNormChain;

    /// <summary>The inputs of a case's rectifiers, in double.</summary>
    private static IEnumerable<Tensor> Rectified(OperatorCase item)
    {
        Tensor?[] inputs = [.. item.CreateInputs(DType.Float64).Select(input => input?.Value)];
        ConvBatchNormReLU?[] layers = item.Op is ConvBatchNormChain chain
            ? [chain.First, chain.Second, chain.Third]
            : [(ConvBatchNormReLU)item.Op];
        ConvBatchNormReLU[] present = [.. layers.OfType<ConvBatchNormReLU>()];
        Tensor x = inputs[0]!;
        for (int i = 0; i < present.Length; i++)
        {
            Tensor? residual = i == present.Length - 1 && inputs.Length > 5 * present.Length + 1 ? inputs[^1] : null;
            x = OperatorCall.Run(present[i] with { ReLU = false }, [x, .. inputs[(5 * i + 1)..(5 * i + 6)], residual]);
            if (!present[i].ReLU)
                continue;
            yield return x;
            x = OperatorCall.Run(new Activation(ActivationKind.ReLU), x);
        }
    }

    private static double Nearest(Tensor values) => Enumerable.Range(0, checked((int)values.Count)).Min(i => Math.Abs(values[i]));

    private static string Drawn(OperatorInput input) => input.Fill switch
    {
        Fill.AwayFromZero => $"{input.Name} at least 0.1 from 0",
        Fill.BetweenIntegers => $"{input.Name} at least 1/8 from every integer",
        Fill.Distinct => $"{input.Name} without ties: multiples of 1/16",
        _ => "",
    };
}
