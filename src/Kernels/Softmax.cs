using System.Numerics;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Softmax over the innermost dimension. Input: input (..., C). output = exp(input - max) / sum of the same;
/// dInput = output * (dOutput - sum(dOutput * output)).
/// </summary>
public sealed record Softmax : Operator
{
    private const int ChunkElements = 16384;

    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Require(call[0].Shape.Rank >= 1 && call[0].DType.IsFloat(), "input", call[0], "a floating-point tensor (..., C)");
        return Tensor.EmptyLike(call[0]);
    }

    /// <inheritdoc />
    protected override unsafe void Forward<T>(OperatorCall call)
    {
        T* x = call[0].Pointer<T>(), y = call.Output.Pointer<T>();
        int width = call[0].Shape.Last;
        Workers.Split(call[0].Shape.Rows, Math.Max(1, ChunkElements / Math.Max(1, width)), (start, end) =>
        {
            for (long row = start; row < end; row++)
                Row(x + row * width, y + row * width, width);
        });
    }

    /// <summary>Softmax of n numbers. Returns the largest of them, and the sum of exp(x - largest).</summary>
    internal static unsafe (T Largest, T Sum) Row<T>(T* x, T* y, int n) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T largest = x[0];
        for (int i = 1; i < n; i++)
            largest = T.Max(largest, x[i]);
        T sum = T.Zero;
        for (int i = 0; i < n; i++)
            sum += y[i] = T.Exp(x[i] - largest);
        T inverse = T.One / sum;
        for (int i = 0; i < n; i++)
            y[i] *= inverse;
        return (largest, sum);
    }

    /// <inheritdoc />
    protected override unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        T* y = call.Output.Pointer<T>(), dy = dOutput.Pointer<T>(), dx = gradients.Target(0, out bool accumulate).Pointer<T>();
        int width = dOutput.Shape.Last;
        Workers.Split(dOutput.Shape.Rows, Math.Max(1, ChunkElements / Math.Max(1, width)), (start, end) =>
        {
            for (long row = start; row < end; row++)
            {
                long o = row * width;
                T dot = T.Zero;
                for (int i = 0; i < width; i++)
                    dot += dy[o + i] * y[o + i];
                for (int i = 0; i < width; i++)
                {
                    T value = y[o + i] * (dy[o + i] - dot);
                    dx[o + i] = accumulate ? dx[o + i] + value : value;
                }
            }
        });
    }

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) => CudaRun("forward", [call[0], call.Output], accumulate: null);

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = gradients.Target(0, out bool accumulate);
        CudaRun("backward", [call.Output, dOutput, dInput], accumulate);
    }

    // kernels/softmax.cu: a group of 8 or 32 lanes per row.
    private static void CudaRun(string pass, ReadOnlySpan<Tensor> tensors, bool? accumulate)
    {
        Shape shape = tensors[0].Shape;
        int group = shape.Last <= 8 ? 8 : 32, rowsPerBlock = CudaLaunch.Threads / group;
        var launch = new CudaLaunch(tensors[0], "softmax", $"softmax_{pass}_{group}");
        foreach (Tensor tensor in tensors)
            launch.Add(tensor);
        launch.Add((long)shape.Rows);
        launch.Add(shape.Last);
        if (accumulate is { } adds)
            launch.Add(adds);
        launch.Run(new dim3(Ceiling.Divide(shape.Rows, rowsPerBlock)), new dim3(CudaLaunch.Threads));
    }
}
