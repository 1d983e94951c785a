using CsUnet.Kernels.Cpu;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Zero padding at the bottom and right. Input: input (B, H, W, C); output (B, H + Bottom, W + Right, C). dInput is dOutput cropped.
/// </summary>
/// <param name="Bottom">Rows of zeros below.</param>
/// <param name="Right">Columns of zeros to the right.</param>
public sealed record Pad2d(int Bottom, int Right) : Operator
{
    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Shape shape = call[0].Shape;
        Require(Bottom >= 0 && Right >= 0, "padding", $"{Bottom}, {Right}", "non-negative numbers");
        Require(shape.Rank == 4, "input", shape, "(B, H, W, C)");
        Tensor output = Tensor.Zeros([shape[0], shape[1] + Bottom, shape[2] + Right, shape[3]], call[0].DType);
        MoveCorner(call[0], output, toLarge: true);
        return output;
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = Tensor.EmptyLike(call[0]);
        MoveCorner(dInput, dOutput, toLarge: false);
        gradients.Give(0, dInput);
    }

    /// <summary>Copies between an image and the top-left corner of a larger one.</summary>
    internal static unsafe void MoveCorner(Tensor small, Tensor large, bool toLarge)
    {
        long pixel = (long)small.Shape[3] * small.DType.Size(), run = small.Shape[2] * pixel, stride = large.Shape[2] * pixel;
        int height = small.Shape[1], largeHeight = large.Shape[1];
        byte* s = (byte*)small.RawPointer, l = (byte*)large.RawPointer;
        Rearrange.Rows((long)small.Shape[0] * height, run, row =>
        {
            byte* a = s + row * run, b = l + (row / height * largeHeight + row % height) * stride;
            Rearrange.Copy(toLarge ? a : b, toLarge ? b : a, run);
        });
    }
}
