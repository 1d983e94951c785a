using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Layer normalisation over the innermost dimension (Ba et al. 2016). Inputs: input (..., C), weight (C), bias (C).
/// output = xhat * weight + bias with xhat = (input - mean) * rstd, rstd = 1 / sqrt(variance + Eps), biased variance of each row.
/// With g = dOutput * weight: dInput = rstd * (g - mean(g) - xhat * mean(g * xhat)); dWeight = sum of dOutput * xhat over rows,
/// dBias = sum of dOutput over rows. Saves mean and rstd per row. Memory-bound.
/// </summary>
/// <param name="Eps">Added to the variance.</param>
public sealed record LayerNorm(double Eps = 1e-5) : RowNormOperator(Eps)
{
    /// <inheritdoc />
    public override string TuningKey(IReadOnlyList<Tensor?> inputs) => $"{Name} {inputs[0]!.Shape.Rows}x{inputs[0]!.Shape.Last}";

    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Tensor input = call[0];
        Require(input.Shape.Rank >= 1 && input.DType.IsFloat(), "input", input, "a floating-point tensor (..., C)");
        RequireParameters(call, 1, input.Shape.Last, $"last dimension of input {input.Shape}");
        return Tensor.EmptyLike(input);
    }

    /// <inheritdoc />
    protected override void Forward<T>(OperatorCall call) =>
        Normalise<T, RowsInOrder>(call, call[0], Places(call[0].Shape), 1, call.Output);

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) =>
        CudaNormalise(call, call[0], Places(call[0].Shape).Cuda, 1, call.Output);

    /// <inheritdoc />
    protected override void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        bool accumulate = false;
        Tensor? dInput = call.Needs(0) ? gradients.Target(0, out accumulate) : null;
        Differentiate<T, RowsInOrder>(call, dOutput, call[0], Places(call[0].Shape), 1, dInput, accumulate, gradients);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        bool accumulate = false;
        Tensor? dInput = call.Needs(0) ? gradients.Target(0, out accumulate) : null;
        CudaDifferentiate(call, dOutput, call[0], Places(call[0].Shape).Cuda, 1, dInput, accumulate, gradients);
    }

    private static RowsInOrder Places(Shape shape) => new(shape.Last);
}
