using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// The top-left corner of an image. Input: input (B, H, W, C); output (B, Height, Width, C). dInput is dOutput, with zeros elsewhere.
/// </summary>
/// <param name="Height">Rows kept.</param>
/// <param name="Width">Columns kept.</param>
public sealed record Crop2d(int Height, int Width) : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Shape shape = call[0].Shape;
        Require(shape.Rank == 4 && Height >= 1 && Width >= 1 && shape[1] >= Height && shape[2] >= Width, "input", shape,
            $"(B, H, W, C) of at least {Height} x {Width}");
        return Tensor.Empty([shape[0], Height, Width, shape[3]], call[0].DType, call[0].Device);
    }

    /// <inheritdoc />
    protected override void CpuForward(OperatorCall call) => Pad2d.MoveCorner(call.Output, call[0], toLarge: false);

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) =>
        Pad2d.CudaMove(call[0], call.Output, toLarge: false, accumulate: false);

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients) =>
        Pad2d.CudaMove(dOutput, gradients.Target(0, out bool accumulate), toLarge: true, accumulate);

    /// <inheritdoc />
    protected override void CpuBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = Tensor.ZerosLike(call[0]);
        Pad2d.MoveCorner(dOutput, dInput, toLarge: true);
        gradients.Give(0, dInput);
    }
}
