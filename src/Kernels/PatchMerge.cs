using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// The gather of patch merging (Liu et al. 2021, Swin). Input: input (B, H, W, C), H and W even; output (B, H/2, W/2, 4C):
/// output[b,y,x,(2*dx+dy)*C+c] = input[b,2y+dy,2x+dx,c]. The offsets (row, column) have the order (0,0), (1,0), (0,1), (1,1).
/// </summary>
public sealed record PatchMerge : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Shape shape = call[0].Shape;
        Require(shape.Rank == 4 && shape[1] % 2 == 0 && shape[2] % 2 == 0, "input", shape, "(B, H, W, C) with H and W even");
        return Tensor.Empty([shape[0], shape[1] / 2, shape[2] / 2, 4 * shape[3]], call[0].DType, call[0].Device);
    }

    /// <inheritdoc />
    protected override void CpuForward(OperatorCall call) => Move(call[0], call.Output, toMerged: true);

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) =>
        CudaMove("forward", call[0], call.Output, call.Output.Shape, accumulate: null);

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients) =>
        CudaMove("backward", dOutput, gradients.Target(0, out bool accumulate), dOutput.Shape, accumulate);

    /// <inheritdoc />
    protected override void CpuBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = Tensor.EmptyLike(call[0]);
        Move(dInput, dOutput, toMerged: false);
        gradients.Give(0, dInput);
    }

    private static unsafe void Move(Tensor spread, Tensor merged, bool toMerged)
    {
        int height = merged.Shape[1], width = merged.Shape[2];
        long run = (long)spread.Shape[3] * spread.DType.Size();
        byte* a = (byte*)spread.RawPointer, m = (byte*)merged.RawPointer;
        Rearrange.Rows((long)merged.Shape[0] * height, 4 * width * run, row =>
        {
            long b = row / height, y = row % height;
            for (int x = 0; x < width; x++)
            {
                for (int part = 0; part < 4; part++)
                {
                    byte* pixel = a + ((b * 2 * height + 2 * y + (part & 1)) * 2 * width + 2 * x + (part >> 1)) * run;
                    byte* slot = m + ((row * width + x) * 4 + part) * run;
                    Rearrange.Copy(toMerged ? pixel : slot, toMerged ? slot : pixel, run);
                }
            }
        });
    }

    // kernels/patch_merge.cu. The sizes are those of the merged tensor; the channels are those before merging.
    private static void CudaMove(string pass, Tensor source, Tensor target, Shape merged, bool? accumulate)
    {
        int channels = merged[3] / 4;
        var launch = new CudaLaunch(source, "patch_merge", $"patch_merge_{pass}");
        launch.Add(source, target);
        launch.Add(merged[0], merged[1], merged[2], channels);
        if (accumulate is { } adds)
            launch.Add(adds);
        launch.RunOverRows(2L * merged[0] * merged[1], 2 * merged[2] * channels);
    }
}
