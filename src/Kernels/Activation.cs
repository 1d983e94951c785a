using System.Numerics;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// An activation function, element by element. Input: input x, any shape. output = f(x); dInput = dOutput f'(x).
/// <see cref="ActivationKind"/> lists the functions. The backward pass of ReLU and ReLU6 reads the output, that of all others the input.
/// A NaN stays a NaN. Memory-bound.
/// </summary>
/// <param name="Kind">Which function f is.</param>
public sealed record Activation(ActivationKind Kind) : Operator
{
    private ActivationFunction Function => ActivationFunction.Of(Kind);

    /// <inheritdoc />
    public override bool RunsOn(DeviceKind device) => true;

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
        Tensor saved = Function.ReadsOutput ? call.Output : call[0], dInput = gradients.Target(0, out bool accumulate);
        if (dInput.Device.Kind == DeviceKind.Cuda)
            CudaBackward(saved, dOutput, dInput, accumulate);
        else if (dInput.DType == DType.Float32)
            Backward<float>(saved, dOutput, dInput, accumulate);
        else
            Backward<double>(saved, dOutput, dInput, accumulate);
    }

    private unsafe void Forward<T>(Tensor input, Tensor output) where T : unmanaged, IFloatingPointIeee754<T>
    {
        ActivationFunction function = Function;
        T* x = input.Pointer<T>(), y = output.Pointer<T>();
        Workers.Split(input.Count, Simd.Grain, (start, end) => function.Forward(x + start, y + start, end - start));
    }

    private unsafe void Backward<T>(Tensor saved, Tensor dOutput, Tensor dInput, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ActivationFunction function = Function;
        T* s = saved.Pointer<T>(), dy = dOutput.Pointer<T>(), dx = dInput.Pointer<T>();
        Workers.Split(saved.Count, Simd.Grain, (start, end) =>
            function.Backward(s + start, dy + start, dx + start, end - start, accumulate));
    }

    // kernels/activation.cu
    private void CudaForward(Tensor input, Tensor output)
    {
        var launch = new CudaLaunch(input, "activation", $"{Function.Kernel}_forward");
        launch.Add(input, output);
        launch.Add(input.Count);
        launch.RunOver(input.Count);
    }

    private void CudaBackward(Tensor saved, Tensor dOutput, Tensor dInput, bool accumulate)
    {
        var launch = new CudaLaunch(dOutput, "activation", $"{Function.Kernel}_backward");
        launch.Add(saved, dOutput, dInput);
        launch.Add(dOutput.Count);
        launch.Add(accumulate);
        launch.RunOver(dOutput.Count);
    }
}
