using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Weighted sum of scalars: a loss of several terms. Inputs: one scalar per weight. output = sum of Weights[i] * input_i;
/// dInput_i = Weights[i] * dOutput.
/// </summary>
/// <param name="Weights">One factor per input.</param>
public sealed record WeightedSum(IReadOnlyList<double> Weights) : Operator
{
    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Require(call.Inputs.Count == Weights.Count && Weights.Count > 0, "inputs", call.Inputs.Count, $"{Weights.Count} = number of weights");
        double sum = 0;
        for (int i = 0; i < Weights.Count; i++)
        {
            Require(call[i].Count == 1 && call[i].DType.IsFloat(), $"input {i}", call[i], "a float32 or float64 scalar");
            sum += Weights[i] * call[i][0];
        }
        Tensor output = Tensor.Empty(Shape.Scalar, call[0].DType);
        output[0] = sum;
        return output;
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        for (int i = 0; i < Weights.Count; i++)
        {
            if (!call.Needs(i))
                continue;
            Tensor target = gradients.Target(i, out bool accumulate);
            target[0] = Weights[i] * dOutput[0] + (accumulate ? target[0] : 0);
        }
    }
}
