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
        if (target.DType == DType.Float32)
            Simd.AddParallel(value.Pointer<float>(), target.Pointer<float>(), target.Count);
        else
            Simd.AddParallel(value.Pointer<double>(), target.Pointer<double>(), target.Count);
    }
}
