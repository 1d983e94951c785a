using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>The top-left corner of an image. Input: input (B, H, W, C); output (B, Height, Width, C). dInput is dOutput, zeros elsewhere.</summary>
/// <param name="Height">Rows kept.</param>
/// <param name="Width">Columns kept.</param>
public sealed record Crop2d(int Height, int Width) : Operator
{
    /// <inheritdoc />
    public override bool RunsOn(DeviceKind device) => true;

    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Shape shape = call[0].Shape;
        Require(shape.Rank == 4 && Height >= 1 && Width >= 1 && shape[1] >= Height && shape[2] >= Width, "input", shape,
            $"(B, H, W, C) of at least {Height} x {Width}");
        Tensor output = Tensor.Empty([shape[0], Height, Width, shape[3]], call[0].DType, call[0].Device);
        if (output.Device.Kind == DeviceKind.Cuda)
        {
            Pad2d.CudaMove(call[0], output, toLarge: false, accumulate: false);
            return output;
        }
        Pad2d.MoveCorner(output, call[0], toLarge: false);
        return output;
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (dOutput.Device.Kind == DeviceKind.Cuda)
        {
            Pad2d.CudaMove(dOutput, gradients.Target(0, out bool accumulate), toLarge: true, accumulate);
            return;
        }
        Tensor dInput = Tensor.ZerosLike(call[0]);
        Pad2d.MoveCorner(dOutput, dInput, toLarge: true);
        gradients.Give(0, dInput);
    }
}
