using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// A residual add and the layer norm of its sum, which both go on. Inputs: input (..., C), branch like it, weight (C), bias (C);
/// output (2, ..., C): [0] = input + branch, [1] = <see cref="LayerNorm"/> of it; <see cref="Slice"/> takes them apart. The gradients of
/// input and branch are equal: that of the norm plus dOutput[0]. Saves mean and rstd per row. Memory-bound.
/// </summary>
/// <remarks>For a sum that no matrix product makes: where one does, the product adds the residual as it writes its result.</remarks>
/// <param name="Eps">Added to the variance.</param>
public sealed record AddLayerNorm(double Eps = 1e-5) : RowNormOperator(Eps)
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Tensor input = call[0], branch = call[1];
        Require(input.Shape.Rank >= 1 && input.DType.IsFloat(), "input", input, "a floating-point tensor (..., C)");
        Require(branch.Shape == input.Shape, "branch", branch.Shape, $"{input.Shape} = shape of the input");
        RequireSameType(call, "branch", branch);
        RequireParameters(call, 2, input.Shape.Last, $"last dimension of input {input.Shape}");
        return Tensor.Empty(new Shape([2, .. input.Shape.AsSpan()]), input.DType, input.Device);
    }

    /// <inheritdoc />
    protected override void Forward<T>(OperatorCall call)
    {
        Tensor sum = Half(call.Output, 0);
        sum.CopyFrom(call[0]);
        TensorMath.AddInPlace(sum, call[1]);
        Normalise<T, RowsInOrder>(call, sum, Places(call[0]), 2, Half(call.Output, 1));
    }

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) =>
        CudaNormalise(call, call[0], Places(call[0]).Cuda, 2, Half(call.Output, 1), call[1], Half(call.Output, 0));

    /// <inheritdoc />
    protected override void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor? dInput = call.Needs(0) || call.Needs(1) ? Tensor.EmptyLike(call[0]) : null;
        Differentiate<T, RowsInOrder>(
            call, Half(dOutput, 1), Half(call.Output, 0), Places(call[0]), 2, dInput, false, gradients, Half(dOutput, 0));
        Pass(call, dInput, gradients);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor? dInput = call.Needs(0) || call.Needs(1) ? Tensor.EmptyLike(call[0]) : null;
        CudaDifferentiate(
            call, Half(dOutput, 1), Half(call.Output, 0), Places(call[0]).Cuda, 2, dInput, false, gradients, Half(dOutput, 0));
        Pass(call, dInput, gradients);
    }

    private static void Pass(OperatorCall call, Tensor? dInput, GradientSink gradients)
    {
        for (int i = 0; i < 2; i++)
            if (call.Needs(i))
                gradients.Pass(i, dInput!);
    }

    private static Tensor Half(Tensor both, int which) => both.Slice(which, 1).Reshape(new Shape(both.Shape.AsSpan()[1..]));

    private static RowsInOrder Places(Tensor input) => new(input.Shape.Last);
}
