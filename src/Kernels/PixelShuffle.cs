using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// The pixel shuffle of patch expanding. Input: input (B, H, W, s*s*C) with s = Scale; output (B, s*H, s*W, C):
/// output[b,s*y+p1,s*x+p2,c] = input[b,y,x,(p1*s+p2)*C+c].
/// </summary>
/// <param name="Scale">The factor s, 2 or 4 in CS-UNet.</param>
public sealed record PixelShuffle(int Scale) : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Shape shape = call[0].Shape;
        Require(Scale >= 1, "scale", Scale, "at least 1");
        Require(shape.Rank == 4 && shape[3] % (Scale * Scale) == 0, "input", shape, $"(B, H, W, C) with C a multiple of {Scale * Scale}");
        return Tensor.Empty([shape[0], shape[1] * Scale, shape[2] * Scale, shape[3] / (Scale * Scale)], call[0].DType, call[0].Device);
    }

    /// <inheritdoc />
    protected override void CpuForward(OperatorCall call) => Move(call[0], call.Output, toShuffled: true);

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) => CudaMove("forward", call[0], call.Output, call[0].Shape, accumulate: null);

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients) =>
        CudaMove("backward", dOutput, gradients.Target(0, out bool accumulate), call[0].Shape, accumulate);

    /// <inheritdoc />
    protected override void CpuBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = Tensor.EmptyLike(call[0]);
        Move(dInput, dOutput, toShuffled: false);
        gradients.Give(0, dInput);
    }

    private unsafe void Move(Tensor packed, Tensor shuffled, bool toShuffled)
    {
        int height = packed.Shape[1], width = packed.Shape[2], scale = Scale;
        // In both layouts, the channels of one p1 and all p2 are contiguous: one run of s*C per token and output row.
        long run = (long)scale * shuffled.Shape[3] * shuffled.DType.Size();
        byte* p = (byte*)packed.RawPointer, s = (byte*)shuffled.RawPointer;
        Rearrange.Rows((long)packed.Shape[0] * height * scale, width * run, outRow =>
        {
            long row = outRow / scale, p1 = outRow % scale;
            for (int x = 0; x < width; x++)
            {
                byte* token = p + ((row * width + x) * scale + p1) * run, pixels = s + (outRow * width + x) * run;
                Rearrange.Copy(toShuffled ? token : pixels, toShuffled ? pixels : token, run);
            }
        });
    }

    // kernels/pixel_shuffle.cu. The sizes are those of the packed tensor; the channels are those after shuffling.
    private void CudaMove(string pass, Tensor source, Tensor target, Shape packed, bool? accumulate)
    {
        int channels = packed[3] / (Scale * Scale);
        var launch = new CudaLaunch(source, "pixel_shuffle", $"pixel_shuffle_{pass}");
        launch.Add(source, target);
        launch.Add(packed[0], packed[1], packed[2], channels, Scale);
        if (accumulate is { } adds)
            launch.Add(adds);
        launch.RunOverRows((long)packed[0] * packed[1] * Scale, Scale * packed[2] * channels);
    }
}
