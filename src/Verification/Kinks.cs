using System.Globalization;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Keeps cases off kinks. A rectifier that is an operator's own input is kept off by how the input is drawn (<see cref="Fill"/>); one that
/// is fused into an operator sees sums of its inputs, so the case is drawn again until none of them is near 0.
/// </summary>
internal static class Kinks
{
    // A difference step moves a rectified value by far less, and 24 bits round it by far less still.
    private const double NumericDistance = 1.0 / 4096;
    private const int Draws = 60;

    /// <summary>A case whose rectified values are off the kink, and how that came about; the case itself if it has none.</summary>
    /// <param name="item">The case.</param>
    /// <param name="precision">Whose rounding moves the values, besides a difference step.</param>
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
        // The layers of a chain need their rectifiers. In double a difference step that meets a kink shrinks; rounding to few bits cannot.
        return precision == Precision.Fp32
            ? (item, "rectifiers between layers: the step shrinks where one switches")
            : throw new KinkException($"no draw keeps the values between its layers {text} from 0");
    }

    /// <summary>Whether the operator applies rectifiers to sums of its inputs.</summary>
    public static bool IsRectified(Operator op) => op is ConvBatchNormReLU { ReLU: true } or ConvBatchNormChain;

    /// <summary>The values that a case's rectifiers see, in double.</summary>
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
            x = OperatorCall.Run(new ReLU(), x);
        }
    }

    private static double Nearest(Tensor values) => Enumerable.Range(0, checked((int)values.Count)).Min(i => Math.Abs(values[i]));

    private static string Drawn(OperatorInput input) => input.Fill switch
    {
        Fill.AwayFromZero => $"{input.Name} at least 0.1 from 0",
        Fill.Distinct => $"{input.Name} without ties: multiples of 1/16",
        _ => "",
    };
}
