using System.Numerics;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Gaussian error linear unit (Hendrycks and Gimpel 2016) in the exact form. Input: input, any shape. output = x Phi(x) with
/// Phi(x) = (1 + erf(x / sqrt 2)) / 2; dInput = dOutput * (Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi)).
/// </summary>
public sealed record Gelu : Operator
{
    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Require(call[0].DType.IsFloat(), "input", call[0], "a floating-point tensor");
        Tensor output = Tensor.EmptyLike(call[0]);
        if (output.Device.Kind == DeviceKind.Cuda)
            CudaForward(call[0], output);
        else if (output.DType == DType.Float32)
            Forward<float>(call[0], output);
        else
            Forward<double>(call[0], output);
        return output;
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = gradients.Target(0, out bool accumulate);
        if (dInput.Device.Kind == DeviceKind.Cuda)
            CudaBackward(call[0], dOutput, dInput, accumulate);
        else if (dInput.DType == DType.Float32)
            Backward<float>(call[0], dOutput, dInput, accumulate);
        else
            Backward<double>(call[0], dOutput, dInput, accumulate);
    }

    private static unsafe void Forward<T>(Tensor input, Tensor output) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = input.Pointer<T>(), y = output.Pointer<T>();
        Workers.Split(input.Count, Simd.Grain, (start, end) => VectorMath.Gelu(x + start, y + start, end - start));
    }

    private static unsafe void Backward<T>(Tensor input, Tensor dOutput, Tensor dInput, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = input.Pointer<T>(), dy = dOutput.Pointer<T>(), dx = dInput.Pointer<T>();
        Workers.Split(input.Count, Simd.Grain, (start, end) =>
            VectorMath.GeluBackward(x + start, dy + start, dx + start, end - start, accumulate));
    }

    // kernels/gelu.cu
    private static void CudaForward(Tensor input, Tensor output)
    {
        var launch = new CudaLaunch(input, "gelu", "gelu_forward");
        launch.Add(input, output);
        launch.Add(input.Count);
        launch.RunOver(input.Count);
    }

    private static void CudaBackward(Tensor input, Tensor dOutput, Tensor dInput, bool accumulate)
    {
        var launch = new CudaLaunch(dOutput, "gelu", "gelu_backward");
        launch.Add(input, dOutput, dInput);
        launch.Add(dOutput.Count);
        launch.Add(accumulate);
        launch.RunOver(dOutput.Count);
    }
}
