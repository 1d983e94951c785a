using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
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
    protected override Tensor Output(OperatorCall call)
    {
        Shape shape = call[0].Shape;
        Require(Bottom >= 0 && Right >= 0, "padding", $"{Bottom}, {Right}", "non-negative numbers");
        Require(shape.Rank == 4, "input", shape, "(B, H, W, C)");
        return Tensor.Empty([shape[0], shape[1] + Bottom, shape[2] + Right, shape[3]], call[0].DType, call[0].Device);
    }

    /// <inheritdoc />
    protected override void CpuForward(OperatorCall call)
    {
        call.Output.Clear();
        MoveCorner(call[0], call.Output, toLarge: true);
    }

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) => CudaMove(call[0], call.Output, toLarge: true, accumulate: false);

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients) =>
        CudaMove(dOutput, gradients.Target(0, out bool accumulate), toLarge: false, accumulate);

    /// <inheritdoc />
    protected override void CpuBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
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

    /// <summary>kernels/pad_crop.cu: copies between an image and the top-left corner of a larger one, with zeros elsewhere.</summary>
    internal static void CudaMove(Tensor source, Tensor target, bool toLarge, bool accumulate)
    {
        Shape small = toLarge ? source.Shape : target.Shape, large = toLarge ? target.Shape : source.Shape;
        var launch = new CudaLaunch(source, "pad_crop", toLarge ? "pad2d_forward" : "crop2d_forward");
        launch.Add(source, target);
        launch.Add(small[0], small[1], small[2], large[1], large[2], small[3]);
        launch.Add(accumulate);
        launch.RunOverRows((long)target.Shape[0] * target.Shape[1], target.Shape[2] * target.Shape[3]);
    }
}
