using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>In-place arithmetic on tensors that is not part of any graph.</summary>
public static unsafe class TensorMath
{
    /// <summary>target += value, elementwise; equal shapes and floating-point types.</summary>
    public static void AddInPlace(Tensor target, Tensor value)
    {
        if (target.Count != value.Count || target.DType != value.DType)
            throw new ShapeException(nameof(AddInPlace), nameof(value), value, $"{target} like the target");
        if (target.Device.Kind == DeviceKind.Cuda)
        {
            CudaAddScaled(target, 1, value);
        }
        else if (target.DType == DType.Float32)
            Simd.AddParallel(value.Pointer<float>(), target.Pointer<float>(), target.Count);
        else
            Simd.AddParallel(value.Pointer<double>(), target.Pointer<double>(), target.Count);
    }

    /// <summary>target += factor * value on a CUDA device; kernels/tensor_math.cu.</summary>
    internal static void CudaAddScaled(Tensor target, double factor, Tensor value)
    {
        var launch = new CudaLaunch(target, "tensor_math", "tensor_math_axpy");
        launch.Add(value, target);
        launch.Add((float)factor);
        launch.Add(target.Count);
        launch.RunOver(target.Count);
    }

    /// <summary>Sums rows 1 to chunks-1 of (chunks, width) into row 0, always in the same order.</summary>
    internal static void ReduceChunks<T>(T* partials, int chunks, int width) where T : unmanaged, INumber<T>
    {
        for (int chunk = 1; chunk < chunks; chunk++)
            Simd.Add(partials + (long)chunk * width, partials, width);
    }

    /// <summary>Writes or adds a slice of a float64 scratch tensor as the gradient of an input, if that input needs one.</summary>
    internal static void GiveRow(GradientSink gradients, OperatorCall call, int input, Tensor scratch, int offset, int count)
    {
        if (!call.Needs(input))
            return;
        Tensor target = gradients.Target(input, out bool accumulate);
        double* source = scratch.Pointer<double>() + offset;
        if (target.DType == DType.Float32)
            Write(source, target.Pointer<float>(), count, accumulate);
        else
            Write(source, target.Pointer<double>(), count, accumulate);
    }

    private static void Write<T>(double* source, T* target, int count, bool accumulate) where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < count; i++)
            target[i] = T.CreateChecked(accumulate ? double.CreateChecked(target[i]) + source[i] : source[i]);
    }
}
