using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// The gather of patch merging and the layer norm that follows, fused: <see cref="PatchMerge"/>, then <see cref="LayerNorm"/>, without a
/// tensor between them. Inputs: input (B, H, W, C), H and W even, weight (4C), bias (4C); output (B, H/2, W/2, 4C). Saves mean and rstd per
/// row; the backward pass gathers again. Memory-bound.
/// </summary>
/// <param name="Eps">Added to the variance.</param>
public sealed record PatchMergeNorm(double Eps = 1e-5) : RowNormOperator(Eps)
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Tensor input = call[0];
        Shape shape = input.Shape;
        Require(shape.Rank == 4 && shape[1] % 2 == 0 && shape[2] % 2 == 0 && input.DType.IsFloat(), "input", input,
            "a floating-point tensor (B, H, W, C) with H and W even");
        RequireParameters(call, 1, 4 * shape[3], $"4 times the last dimension of input {shape}");
        return Tensor.Empty([shape[0], shape[1] / 2, shape[2] / 2, 4 * shape[3]], input.DType, input.Device);
    }

    /// <inheritdoc />
    protected override void Forward<T>(OperatorCall call) =>
        Normalise<T, MergedRows>(call, call[0], Places(call[0].Shape), 1, call.Output);

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) =>
        CudaNormalise(call, call[0], Places(call[0].Shape).Cuda, 1, call.Output);

    /// <inheritdoc />
    protected override void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        bool accumulate = false;
        Tensor? dInput = call.Needs(0) ? gradients.Target(0, out accumulate) : null;
        Differentiate<T, MergedRows>(call, dOutput, call[0], Places(call[0].Shape), 1, dInput, accumulate, gradients);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        bool accumulate = false;
        Tensor? dInput = call.Needs(0) ? gradients.Target(0, out accumulate) : null;
        CudaDifferentiate(call, dOutput, call[0], Places(call[0].Shape).Cuda, 1, dInput, accumulate, gradients);
    }

    private static MergedRows Places(Shape spread) => new(spread[2] / 2, spread[3]);
}
