using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace CsUnet.Kernels;

/// <summary>
/// Elementwise product of two tensors of the same shape. Inputs: a, b. output = a b; da = dOutput b, db = dOutput a. Memory-bound.
/// </summary>
public sealed record Multiply : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Tensor a = call[0], b = call[1];
        Require(a.DType.IsFloat(), "first input", a, "a floating-point tensor");
        Require(b.Shape == a.Shape, "second input", b.Shape, $"{a.Shape} = shape of the first input");
        RequireSameType(call, "second input", b);
        return Tensor.EmptyLike(a);
    }

    /// <inheritdoc />
    protected override void Forward<T>(OperatorCall call) => Product<T>(call[0], call[1], call.Output, accumulate: false);

    /// <inheritdoc />
    protected override void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        for (int input = 0; input < 2; input++)
            if (call.Needs(input))
                Product<T>(dOutput, call[1 - input], gradients.Target(input, out bool accumulate), accumulate);
    }

    private static unsafe void Product<T>(Tensor a, Tensor b, Tensor target, bool accumulate) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = a.Pointer<T>(), y = b.Pointer<T>(), z = target.Pointer<T>();
        Workers.Split(a.Count, Simd.Grain, (start, end) =>
        {
            Span<T> left = Simd.Span(x + start, end - start), right = Simd.Span(y + start, end - start);
            Span<T> result = Simd.Span(z + start, end - start);
            if (accumulate)
                TensorPrimitives.MultiplyAdd(left, right, result, result);
            else
                TensorPrimitives.Multiply(left, right, result);
        });
    }

    // kernels/multiply.cu
    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        var launch = new CudaLaunch(call[0], "multiply", "multiply_forward");
        launch.Add(call[0], call[1], call.Output);
        launch.Add(call[0].Count);
        launch.RunOver(call[0].Count);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        for (int input = 0; input < 2; input++)
        {
            if (!call.Needs(input))
                continue;
            Tensor dInput = gradients.Target(input, out bool accumulate);
            var launch = new CudaLaunch(dOutput, "multiply", "multiply_backward");
            launch.Add(dOutput, call[1 - input], dInput);
            launch.Add(dOutput.Count);
            launch.Add(accumulate);
            launch.RunOver(dOutput.Count);
        }
    }
}
