using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// An elementwise activation function. Input: input x, any shape. output = f(x); dInput = dOutput f'(x). <see cref="ActivationKind"/> lists
/// the functions. The backward pass of ReLU and ReLU6 reads the output, that of all others the input. A NaN stays a NaN. Memory-bound.
/// </summary>
/// <param name="Kind">The function f.</param>
public sealed record Activation(ActivationKind Kind) : Operator
{
    private ActivationFunction Function => ActivationFunction.Of(Kind);

    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Require(call[0].DType.IsFloat(), "input", call[0], "a floating-point tensor");
        return Tensor.EmptyLike(call[0]);
    }

    /// <inheritdoc />
    protected override unsafe void Forward<T>(OperatorCall call)
    {
        ActivationFunction function = Function;
        T* x = call[0].Pointer<T>(), y = call.Output.Pointer<T>();
        Workers.Split(call[0].Count, Simd.Grain, (start, end) => function.Forward(x + start, y + start, end - start));
    }

    /// <inheritdoc />
    protected override unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        ActivationFunction function = Function;
        Tensor saved = Saved(call);
        T* s = saved.Pointer<T>(), dy = dOutput.Pointer<T>(), dx = gradients.Target(0, out bool accumulate).Pointer<T>();
        Workers.Split(saved.Count, Simd.Grain, (start, end) =>
            function.Backward(s + start, dy + start, dx + start, end - start, accumulate));
    }

    private Tensor Saved(OperatorCall call) => Function.ReadsOutput ? call.Output : call[0];

    // kernels/activation.cu
    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        var launch = new CudaLaunch(call[0], "activation", $"{Function.Kernel}_forward");
        launch.Add(call[0], call.Output);
        launch.Add(call[0].Count);
        launch.RunOver(call[0].Count);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = gradients.Target(0, out bool accumulate);
        var launch = new CudaLaunch(dOutput, "activation", $"{Function.Kernel}_backward");
        launch.Add(Saved(call), dOutput, dInput);
        launch.Add(dOutput.Count);
        launch.Add(accumulate);
        launch.RunOver(dOutput.Count);
    }
}
