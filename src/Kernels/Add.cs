using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace CsUnet.Kernels;

/// <summary>
/// Sum of two tensors of the same shape: the residual connection. Inputs: a, b. output = a + b; both gradients are dOutput.
/// </summary>
public sealed record Add : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Tensor a = call[0], b = call[1];
        Require(b.Shape == a.Shape, "second input", b.Shape, $"{a.Shape} = shape of the first input");
        RequireSameType(call, "second input", b);
        return Tensor.EmptyLike(a);
    }

    /// <inheritdoc />
    protected override unsafe void Forward<T>(OperatorCall call)
    {
        T* x = call[0].Pointer<T>(), y = call[1].Pointer<T>(), z = call.Output.Pointer<T>();
        Workers.Split(call[0].Count, Simd.Grain, (start, end) =>
            TensorPrimitives.Add(Simd.Span(x + start, end - start), Simd.Span(y + start, end - start), Simd.Span(z + start, end - start)));
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        for (int input = 0; input < 2; input++)
            if (call.Needs(input))
                gradients.Pass(input, dOutput);
    }

    // kernels/add.cu
    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        var launch = new CudaLaunch(call[0], "add", "add_forward");
        launch.Add(call[0], call[1], call.Output);
        launch.Add(call[0].Count);
        launch.RunOver(call[0].Count);
    }
}
