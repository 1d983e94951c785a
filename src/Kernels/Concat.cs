using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Concatenation over the innermost dimension. Inputs: any number of tensors (..., C_i) that agree in all other dimensions;
/// output (..., sum of C_i). Each gradient is the matching slice of dOutput.
/// </summary>
public sealed record Concat : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        int channels = 0;
        Require(call.Inputs.Count >= 1, "inputs", call.Inputs.Count, "at least one");
        for (int i = 0; i < call.Inputs.Count; i++)
        {
            Require(call[i].Shape.Rank >= 1 && call[i].Shape.WithLast(1) == call[0].Shape.WithLast(1), $"input {i}", call[i].Shape,
                $"the leading dimensions of input 0 {call[0].Shape}");
            RequireSameType(call, $"input {i}", call[i]);
            channels += call[i].Shape.Last;
        }
        return Tensor.Empty(call[0].Shape.WithLast(channels), call[0].DType, call[0].Device);
    }

    /// <inheritdoc />
    protected override void CpuForward(OperatorCall call)
    {
        long offset = 0;
        for (int i = 0; i < call.Inputs.Count; i++)
            offset = Move(call[i], call.Output, offset, toWhole: true);
    }

    /// <inheritdoc />
    protected override void CpuBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        long offset = 0;
        for (int i = 0; i < call.Inputs.Count; i++)
        {
            if (!call.Needs(i))
            {
                offset += (long)call[i].Shape.Last * call[i].DType.Size();
                continue;
            }
            Tensor dInput = Tensor.EmptyLike(call[i]);
            offset = Move(dInput, dOutput, offset, toWhole: false);
            gradients.Give(i, dInput);
        }
    }

    private static unsafe long Move(Tensor part, Tensor whole, long offset, bool toWhole)
    {
        long run = (long)part.Shape.Last * part.DType.Size(), stride = (long)whole.Shape.Last * whole.DType.Size();
        byte* p = (byte*)part.RawPointer, w = (byte*)whole.RawPointer + offset;
        Rearrange.Rows(part.Shape.Rows, run, row =>
            Rearrange.Copy(toWhole ? p + row * run : w + row * stride, toWhole ? w + row * stride : p + row * run, run));
        return offset + run;
    }

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        for (int i = 0, first = 0; i < call.Inputs.Count; first += call[i++].Shape.Last)
            CudaMove("forward", call[i], call.Output, call[i], call.Output, first, accumulate: null);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        for (int i = 0, first = 0; i < call.Inputs.Count; first += call[i++].Shape.Last)
        {
            if (!call.Needs(i))
                continue;
            Tensor part = gradients.Target(i, out bool accumulate);
            CudaMove("backward", dOutput, part, part, dOutput, first, accumulate);
        }
    }

    // kernels/concat.cu, one launch per part.
    private static void CudaMove(string pass, Tensor source, Tensor target, Tensor part, Tensor whole, int offset, bool? accumulate)
    {
        var launch = new CudaLaunch(source, "concat", $"concat_{pass}");
        launch.Add(source, target);
        launch.Add((long)part.Shape.Rows);
        launch.Add(part.Shape.Last, whole.Shape.Last, offset);
        if (accumulate is { } adds)
            launch.Add(adds);
        launch.RunOverRows(part.Shape.Rows, part.Shape.Last);
    }
}
