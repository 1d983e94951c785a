using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Sum of two tensors of one shape, the residual connection. Inputs: a, b. output = a + b; both gradients are dOutput.
/// </summary>
public sealed record Add : Operator
{
    /// <inheritdoc />
    public override bool RunsOn(DeviceKind device) => true;

    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Tensor a = call[0], b = call[1];
        Require(b.Shape == a.Shape, "second input", b.Shape, $"{a.Shape} = shape of the first input");
        RequireSameType(call, "second input", b);
        Tensor output = Tensor.EmptyLike(a);
        if (a.Device.Kind == DeviceKind.Cuda)
            CudaForward(a, b, output);
        else if (a.DType == DType.Float32)
            Forward<float>(a, b, output);
        else
            Forward<double>(a, b, output);
        return output;
    }

    private static unsafe void Forward<T>(Tensor a, Tensor b, Tensor output) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = a.Pointer<T>(), y = b.Pointer<T>(), z = output.Pointer<T>();
        Workers.Split(a.Count, Simd.Grain, (start, end) =>
        {
            long i = start;
            for (; i + Vector<T>.Count <= end; i += Vector<T>.Count)
                (Simd.Load(x + i) + Simd.Load(y + i)).Store(z + i);
            for (; i < end; i++)
                z[i] = x[i] + y[i];
        });
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        for (int input = 0; input < 2; input++)
            if (call.Needs(input))
                gradients.Pass(input, dOutput);
    }

    // kernels/add.cu
    private static void CudaForward(Tensor a, Tensor b, Tensor output)
    {
        var launch = new CudaLaunch(a, "add", "add_forward");
        launch.Add(a, b, output);
        launch.Add(a.Count);
        launch.RunOver(a.Count);
    }
}
