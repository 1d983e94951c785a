using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Product of two tensors of one shape, element by element. Inputs: a, b. output = a b; da = dOutput b, db = dOutput a. Memory-bound.
/// </summary>
public sealed record Multiply : Operator
{
    /// <inheritdoc />
    public override bool RunsOn(DeviceKind device) => true;

    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Tensor a = call[0], b = call[1];
        Require(a.DType.IsFloat(), "first input", a, "a floating-point tensor");
        Require(b.Shape == a.Shape, "second input", b.Shape, $"{a.Shape} = shape of the first input");
        RequireSameType(call, "second input", b);
        Tensor output = Tensor.EmptyLike(a);
        if (a.Device.Kind == DeviceKind.Cuda)
            CudaForward(a, b, output);
        else if (a.DType == DType.Float32)
            Product<float>(a, b, output, accumulate: false);
        else
            Product<double>(a, b, output, accumulate: false);
        return output;
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        for (int input = 0; input < 2; input++)
        {
            if (!call.Needs(input))
                continue;
            Tensor dInput = gradients.Target(input, out bool accumulate), other = call[1 - input];
            if (dInput.Device.Kind == DeviceKind.Cuda)
                CudaBackward(dOutput, other, dInput, accumulate);
            else if (dInput.DType == DType.Float32)
                Product<float>(dOutput, other, dInput, accumulate);
            else
                Product<double>(dOutput, other, dInput, accumulate);
        }
    }

    private static unsafe void Product<T>(Tensor a, Tensor b, Tensor target, bool accumulate) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = a.Pointer<T>(), y = b.Pointer<T>(), z = target.Pointer<T>();
        Workers.Split(a.Count, Simd.Grain, (start, end) =>
        {
            long i = start;
            for (; i + Vector<T>.Count <= end; i += Vector<T>.Count)
            {
                Vector<T> product = Simd.Load(x + i) * Simd.Load(y + i);
                (accumulate ? Simd.Load(z + i) + product : product).Store(z + i);
            }
            for (; i < end; i++)
                z[i] = accumulate ? z[i] + x[i] * y[i] : x[i] * y[i];
        });
    }

    // kernels/multiply.cu
    private static void CudaForward(Tensor a, Tensor b, Tensor output)
    {
        var launch = new CudaLaunch(a, "multiply", "multiply_forward");
        launch.Add(a, b, output);
        launch.Add(a.Count);
        launch.RunOver(a.Count);
    }

    private static void CudaBackward(Tensor dOutput, Tensor other, Tensor dInput, bool accumulate)
    {
        var launch = new CudaLaunch(dOutput, "multiply", "multiply_backward");
        launch.Add(dOutput, other, dInput);
        launch.Add(dOutput.Count);
        launch.Add(accumulate);
        launch.RunOver(dOutput.Count);
    }
}
