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
    protected override Tensor Output(OperatorCall call)
    {
        Require(call.Inputs.Count == Weights.Count && Weights.Count > 0, "inputs", call.Inputs.Count,
            $"{Weights.Count} = number of weights");
        for (int i = 0; i < Weights.Count; i++)
        {
            // A bfloat16 loss would keep only two digits.
            Require(call[i].Count == 1 && call[i].DType is DType.Float32 or DType.Float64, $"input {i}", call[i],
                "a float32 or float64 scalar");
            RequireSameType(call, $"input {i}", call[i]);
        }
        return Tensor.Empty(Shape.Scalar, call[0].DType, call[0].Device);
    }

    /// <inheritdoc />
    protected override void CpuForward(OperatorCall call)
    {
        double sum = 0;
        for (int i = 0; i < Weights.Count; i++)
            sum += Weights[i] * call[i][0];
        call.Output[0] = sum;
    }

    /// <inheritdoc />
    protected override void CpuBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        for (int i = 0; i < Weights.Count; i++)
        {
            if (!call.Needs(i))
                continue;
            Tensor target = gradients.Target(i, out bool accumulate);
            target[0] = Weights[i] * dOutput[0] + (accumulate ? target[0] : 0);
        }
    }

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        call.Output.Clear();
        for (int i = 0; i < Weights.Count; i++)
            TensorMath.CudaAddScaled(call.Output, Weights[i], call[i]);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        for (int i = 0; i < Weights.Count; i++)
        {
            if (!call.Needs(i))
                continue;
            Tensor target = gradients.Target(i, out bool accumulate);
            if (!accumulate)
                target.Clear();
            TensorMath.CudaAddScaled(target, Weights[i], dOutput);
        }
    }
}
