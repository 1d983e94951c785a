using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>The class with the largest value in each row: the predicted label. Not differentiable.</summary>
public static class Argmax
{
    /// <summary>Labels (...) as uint8 of logits or probabilities (..., K), K at most 256. The first of equal maxima wins.</summary>
    /// <exception cref="ShapeException">The input has another shape or type.</exception>
    public static Tensor Run(Tensor logits)
    {
        if (logits.Shape.Rank < 1 || logits.Shape.Last is < 1 or > 256 || !logits.DType.IsFloat())
            throw new ShapeException(nameof(Argmax), "logits", logits, "a floating-point tensor (..., K) with K from 1 to 256");
        if (logits is { DType: DType.BFloat16, Device.Kind: DeviceKind.Cpu })
            throw new ShapeException(nameof(Argmax), "logits", logits, "float32 or float64 on the CPU");
        Tensor labels = Tensor.Empty(new Shape(logits.Shape.AsSpan()[..^1]), DType.UInt8, logits.Device);
        if (logits.Device.Kind == DeviceKind.Cuda)
            CudaRun(logits, labels);
        else if (logits.DType == DType.Float32)
            Run<float>(logits, labels);
        else
            Run<double>(logits, labels);
        return labels;
    }

    private static unsafe void Run<T>(Tensor logits, Tensor labels) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = logits.Pointer<T>();
        byte* y = labels.Pointer<byte>();
        int classes = logits.Shape.Last;
        Workers.Split(labels.Count, 16384, (start, end) =>
        {
            for (long row = start; row < end; row++)
            {
                T* values = x + row * classes;
                int best = 0;
                for (int k = 1; k < classes; k++)
                    if (values[k] > values[best])
                        best = k;
                y[row] = (byte)best;
            }
        });
    }

    // kernels/argmax.cu
    private static void CudaRun(Tensor logits, Tensor labels)
    {
        int group = PixelLabels.Group(logits, 8, 256);
        var launch = new CudaLaunch(logits, "argmax", $"argmax_{group}");
        launch.Add(logits, labels);
        launch.Add(labels.Count);
        launch.Add(logits.Shape.Last);
        launch.RunOverGroups(labels.Count, group);
    }
}
