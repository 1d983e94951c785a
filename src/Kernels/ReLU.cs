using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Rectifier. Input: input. output = max(input, 0); dInput = dOutput where output &gt; 0, else 0. A NaN stays a NaN. Memory-bound.
/// </summary>
public sealed record ReLU : Operator
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
            CudaBackward(call.Output, dOutput, dInput, accumulate);
        else if (dInput.DType == DType.Float32)
            Backward<float>(call.Output, dOutput, dInput, accumulate);
        else
            Backward<double>(call.Output, dOutput, dInput, accumulate);
    }

    private static unsafe void Forward<T>(Tensor input, Tensor output) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = input.Pointer<T>(), y = output.Pointer<T>();
        Workers.Split(input.Count, Simd.Grain, (start, end) =>
        {
            long i = start;
            for (; i + Vector<T>.Count <= end; i += Vector<T>.Count)
            {
                Vector<T> value = Simd.Load(x + i);
                Vector.ConditionalSelect(Vector.LessThan(value, Vector<T>.Zero), Vector<T>.Zero, value).Store(y + i);
            }
            for (; i < end; i++)
                y[i] = x[i] < T.Zero ? T.Zero : x[i];
        });
    }

    private static unsafe void Backward<T>(Tensor output, Tensor dOutput, Tensor dInput, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* y = output.Pointer<T>(), dy = dOutput.Pointer<T>(), dx = dInput.Pointer<T>();
        Workers.Split(output.Count, Simd.Grain, (start, end) =>
        {
            long i = start;
            for (; i + Vector<T>.Count <= end; i += Vector<T>.Count)
            {
                Vector<T> gradient = Vector.ConditionalSelect(
                    Vector.GreaterThan(Simd.Load(y + i), Vector<T>.Zero), Simd.Load(dy + i), Vector<T>.Zero);
                (accumulate ? Simd.Load(dx + i) + gradient : gradient).Store(dx + i);
            }
            for (; i < end; i++)
            {
                T gradient = y[i] > T.Zero ? dy[i] : T.Zero;
                dx[i] = accumulate ? dx[i] + gradient : gradient;
            }
        });
    }

    // kernels/relu.cu
    private static void CudaForward(Tensor input, Tensor output)
    {
        var launch = new CudaLaunch(input, "relu", "relu_forward");
        launch.Add(input, output);
        launch.Add(input.Count);
        launch.RunOver(input.Count);
    }

    private static void CudaBackward(Tensor output, Tensor dOutput, Tensor dInput, bool accumulate)
    {
        var launch = new CudaLaunch(dOutput, "relu", "relu_backward");
        launch.Add(output, dOutput, dInput);
        launch.Add(dOutput.Count);
        launch.Add(accumulate);
        launch.RunOver(dOutput.Count);
    }
}
