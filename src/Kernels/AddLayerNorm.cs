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
    public override Tensor Forward(OperatorCall call)
    {
        Tensor input = call[0], branch = call[1];
        Require(input.Shape.Rank >= 1 && input.DType.IsFloat(), "input", input, "a floating-point tensor (..., C)");
        Require(branch.Shape == input.Shape, "branch", branch.Shape, $"{input.Shape} = shape of the input");
        RequireSameType(call, "branch", branch);
        RequireParameters(call, 2, input.Shape.Last, $"last dimension of input {input.Shape}");
        Tensor output = Tensor.Empty(new Shape([2, .. input.Shape.AsSpan()]), input.DType, input.Device);
        Tensor sum = Half(output, 0), normalised = Half(output, 1);
        if (input.Device.Kind == DeviceKind.Cuda)
        {
            Normalise(call, input, Places(input), 2, normalised, branch, sum);
            return output;
        }
        sum.CopyFrom(input);
        TensorMath.AddInPlace(sum, branch);
        Normalise(call, sum, Places(input), 2, normalised);
        return output;
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor? dInput = call.Needs(0) || call.Needs(1) ? Tensor.EmptyLike(call[0]) : null;
        Differentiate(call, Half(dOutput, 1), Half(call.Output, 0), Places(call[0]), 2, dInput, false, gradients, Half(dOutput, 0));
        for (int i = 0; i < 2; i++)
            if (call.Needs(i))
                gradients.Pass(i, dInput!);
    }

    private static Tensor Half(Tensor both, int which) => both.Slice(which, 1).Reshape(new Shape(both.Shape.AsSpan()[1..]));

    private static RowsInOrder Places(Tensor input) => new(input.Shape.Last);
}
